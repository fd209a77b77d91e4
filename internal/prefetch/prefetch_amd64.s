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

// func Note(a *Ahead, next, record, table, dir uintptr)
TEXT ·Note(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ a+0(FP), AX
	MOVQ next+8(FP), BX
	MOVQ record+16(FP), CX
	MOVQ table+24(FP), DX
	MOVQ dir+32(FP), SI
	MOVQ BX, 0(AX)
	MOVQ CX, 8(AX)
	MOVQ DX, 16(AX)
	MOVQ SI, 24(AX)
	RET

// func Fetch(a *Ahead, log uintptr)
TEXT ·Fetch(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ a+0(FP), AX
	MOVQ log+8(FP), CX
	MOVQ 0(AX), BX
	MOVQ 8(AX), DX
	MOVQ 16(AX), SI
	MOVQ 24(AX), DI
	PREFETCHT0 0(CX)
	PREFETCHT0 64(CX)
	PREFETCHT0 0(SI) // these two pages are few and known to the TLB; the next two are not, and hold up what follows
	PREFETCHT0 0(DI)
	PREFETCHT0 0(BX)
	PREFETCHT0 0(DX)
	RECORD(DX)
	RET
