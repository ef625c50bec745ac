//go:build !purego

#include "textflag.h"

// A byte is a sign when it is the one that the table has for its low half: % for 5, & for 6, ( for 8, [ for 11, \ for
// 12, = for 13. Other entries are of another low half. Bytes ≥ 0x80 give 0.
DATA signTable<>+0(SB)/8, $0xff2625ffffffffff
DATA signTable<>+8(SB)/8, $0x00ff3d5c5bffff28
GLOBL signTable<>(SB), RODATA|NOPTR, $16

// COMPARE sets the bytes of low and high, 64 from a place on, that are signs.
#define COMPARE(place, low, high) \
	VPSHUFB  place(SI), Y8, low;    \
	VPSHUFB  place+32(SI), Y8, high; \
	VPCMPEQB place(SI), low, low;   \
	VPCMPEQB place+32(SI), high, high

// MASK brings the top bits of the bytes of low and high together in a block's word, without signs that another one
// follows; backslashes stay.
#define MASK(place, low, high, word) \
	VPMOVMSKB low, AX;                \
	VPMOVMSKB high, BX;               \
	SHLQ      $32, BX;                \
	ORQ       BX, AX;                 \
	VPCMPEQB  place(SI), Y15, low;     \
	VPCMPEQB  place+32(SI), Y15, high; \
	MOVQ      AX, BX;                 \
	SHRQ      $1, BX;                 \
	NOTQ      BX;                     \
	ANDQ      BX, AX;                 \
	VPMOVMSKB low, R9;                \
	VPMOVMSKB high, BX;               \
	SHLQ      $32, BX;                \
	ORQ       R9, AX;                 \
	ORQ       BX, AX;                 \
	MOVQ      AX, word(DI)

DATA backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $8

// func findSignsAVX2(out *signs, p *byte, groups int) uint64
TEXT ·findSignsAVX2(SB), NOSPLIT, $0-32
	MOVQ           out+0(FP), DI
	MOVQ           p+8(FP), SI
	MOVQ           groups+16(FP), CX
	VBROADCASTI128 signTable<>(SB), Y8
	VPBROADCASTQ   backslash<>(SB), Y15
	XORL           DX, DX
	MOVL           $1, R8

group:
	COMPARE(0, Y0, Y1)
	COMPARE(64, Y2, Y3)
	COMPARE(128, Y4, Y5)
	COMPARE(192, Y6, Y7)
	VPOR   Y0, Y1, Y9
	VPOR   Y2, Y3, Y10
	VPOR   Y4, Y5, Y11
	VPOR   Y6, Y7, Y12
	VPOR   Y9, Y10, Y9
	VPOR   Y11, Y12, Y11
	VPOR   Y9, Y11, Y9
	VPTEST Y9, Y9
	JE     next
	MASK(0, Y0, Y1, 0)
	MASK(64, Y2, Y3, 8)
	MASK(128, Y4, Y5, 16)
	MASK(192, Y6, Y7, 24)
	ORQ R8, DX

next:
	ADDQ $256, SI
	ADDQ $32, DI
	SHLQ $1, R8
	DECQ CX
	JNE  group

	VZEROUPPER
	MOVQ DX, ret+24(FP)
	RET
