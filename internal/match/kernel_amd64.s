//go:build !purego

#include "go_asm.h"
#include "textflag.h"

#define BROADCAST(value, low, reg) \
	MOVQ         $value, AX; \
	MOVQ         AX, low;    \
	VPBROADCASTB low, reg

// CLASSES turns the 32 bytes in x into masks: of label characters in l, word characters in w, dots in d, and bytes
// ≥ 0x80 in h. A byte is in a range when the unsigned minimum of it and the range's length, both from the range's
// beginning, is itself.
#define CLASSES(x, l, w, d, h) \
	VPOR      Y8, x, Y2;   \
	VPSUBB    Y9, Y2, Y2;  \
	VPMINUB   Y10, Y2, Y3; \
	VPCMPEQB  Y3, Y2, Y2;  \
	VPSUBB    Y11, x, Y3;  \
	VPMINUB   Y12, Y3, Y4; \
	VPCMPEQB  Y4, Y3, Y3;  \
	VPOR      Y3, Y2, Y2;  \
	VPCMPEQB  Y13, x, Y3;  \
	VPCMPEQB  Y14, x, Y4;  \
	VPCMPEQB  Y15, x, Y5;  \
	VPOR      Y4, Y5, Y4;  \
	VPOR      Y3, Y4, Y4;  \
	VPOR      Y2, Y4, Y4;  \
	VPMOVMSKB Y4, l;       \
	VPMOVMSKB Y2, w;       \
	VPMOVMSKB Y3, d;       \
	VPMOVMSKB x, h

// func classifyAVX2(p *byte, out *planes, n int)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ out+8(FP), DI
	MOVQ n+16(FP), CX
	BROADCAST(0x20, X8, Y8)
	BROADCAST(0x61, X9, Y9)   // 'a'
	BROADCAST(25, X10, Y10)
	BROADCAST(0x30, X11, Y11) // '0'
	BROADCAST(9, X12, Y12)
	BROADCAST(0x2e, X13, Y13) // '.'
	BROADCAST(0x2d, X14, Y14) // '-'
	BROADCAST(0x5f, X15, Y15) // '_'
	TESTQ CX, CX
	JE    done

next:
	VMOVDQU 32(SI), Y0
	VMOVDQU (SI), Y1
	CLASSES(Y0, R8, R9, R10, R11)
	CLASSES(Y1, AX, BX, DX, R12)
	SHLQ    $32, R8
	SHLQ    $32, R9
	SHLQ    $32, R10
	SHLQ    $32, R11
	ORQ     AX, R8
	ORQ     BX, R9
	ORQ     DX, R10
	ORQ     R12, R11
	ADDQ    $64, SI
	ADDQ    $8, DI // the planes' first element is the block before
	MOVQ    R8, planes_label(DI)
	MOVQ    R9, planes_word(DI)
	MOVQ    R10, planes_dot(DI)
	MOVQ    R11, planes_high(DI)
	DECQ    CX
	JNE     next

done:
	VZEROUPPER
	RET
