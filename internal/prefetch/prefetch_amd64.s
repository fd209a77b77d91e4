#include "textflag.h"

#define RECORD(R) \
	PREFETCHT0 64(R)  \
	PREFETCHT0 128(R) \
	PREFETCHT0 192(R) \
	PREFETCHT0 256(R) \
	PREFETCHT0 320(R)

// func Append(next, base, record uintptr)
TEXT ·Append(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ next+0(FP), AX
	MOVQ base+8(FP), BX
	MOVQ record+16(FP), CX
	PREFETCHT0 0(AX)
	PREFETCHT0 0(CX)
	PREFETCHT0 0(BX)
	RECORD(CX)
	RET

// func Line(a uintptr)
TEXT ·Line(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ a+0(FP), AX
	PREFETCHT0 0(AX)
	RET
