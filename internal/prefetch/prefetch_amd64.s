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

// DISTANCE is how many lines that of the address in R is from line CX. LINE is the address that R, read from an Ahead, stands for.
#define DISTANCE(R) \
	SHRQ $6, R \
	SUBQ CX, R

#define LINE(R) \
	ADDQ CX, R \
	SHLQ $6, R

// func Note(a *Ahead, log, next, record, table, dir uintptr)
TEXT ·Note(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ a+0(FP), AX
	MOVQ log+8(FP), CX
	MOVQ next+16(FP), BX
	MOVQ record+24(FP), DX
	MOVQ table+32(FP), SI
	MOVQ dir+40(FP), DI
	SHRQ $6, CX
	DISTANCE(BX)
	DISTANCE(DX)
	DISTANCE(SI)
	DISTANCE(DI)
	MOVL BX, 0(AX)
	MOVL DX, 4(AX)
	MOVL SI, 8(AX)
	MOVL DI, 12(AX)
	RET

// func Fetch(a *Ahead, log uintptr)
TEXT ·Fetch(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ    a+0(FP), AX
	MOVQ    log+8(FP), CX
	MOVLQSX 0(AX), BX
	MOVLQSX 4(AX), DX
	MOVLQSX 8(AX), SI
	MOVLQSX 12(AX), DI
	PREFETCHT0 0(CX)
	PREFETCHT0 64(CX)
	SHRQ $6, CX
	LINE(SI)
	LINE(DI)
	LINE(BX)
	LINE(DX)
	PREFETCHT0 0(SI) // these two pages are few and known to the TLB; the next two are not, and hold up what follows
	PREFETCHT0 0(DI)
	PREFETCHT0 0(BX)
	PREFETCHT0 0(DX)
	RECORD(DX)
	RET
