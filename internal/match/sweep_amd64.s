//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Each byte of a text is in a class when the entry for its low half and the one for its high half share a bit: 1 is
// the dot, 2 and 4 are '-' and '_', 8 to 32 are digits and letters. Bytes ≥ 0x80 have none.
DATA lowHalf<>+0(SB)/8, $0x3838383838383828
DATA lowHalf<>+8(SB)/8, $0x1411121010303838
GLOBL lowHalf<>(SB), RODATA|NOPTR, $16

DATA highHalf<>+0(SB)/8, $0x2010241008030000
DATA highHalf<>+8(SB)/8, $0
GLOBL highHalf<>(SB), RODATA|NOPTR, $16

DATA numbers<>+0(SB)/8, $0x9e3779b97f4a7c15 // keyLast
DATA numbers<>+8(SB)/8, $0x2020202020202020 // foldBits
DATA numbers<>+16(SB)/8, $7
GLOBL numbers<>(SB), RODATA|NOPTR, $24

#define KEY_LAST numbers<>+0(SB)
#define FOLD     numbers<>+8(SB)
#define SEVEN    numbers<>+16(SB)

// Bytes that are compared with: classes below 2 are of no label, or the dot, below 8 of no word.
DATA bytes<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA bytes<>+8(SB)/8, $0x0202020202020202
DATA bytes<>+16(SB)/8, $0x0808080808080808
GLOBL bytes<>(SB), RODATA|NOPTR, $24

// MASK brings the top bits of the bytes of low and high together in out.
#define MASK(low, high, out, free) \
	VPMOVMSKB high, out;  \
	VPMOVMSKB low, free;  \
	SHLQ      $32, out;   \
	ORQ       free, out

// PLACE writes the place of the lowest bit of ends and takes it away. A block of usual text has no more than three hosts
// and six words that end as an anchor does: so many places are written whether they are there or not, since a branch for
// each would be foreseen badly.
#define PLACE(ends, list, i, count) \
	TZCNTQ ends, AX;                      \
	LEAQ   (AX)(R13*8), AX;               \
	MOVW   AX, list+2*i(DI)(count*2);     \
	BLSRQ  ends, ends

// SHIFTED gives the four elements of a plane at b, in now, and those before them shifted up by n together.
#define SHIFTED(n, now, before, out, free) \
	VPSLLQ $n, now, out;          \
	VPSRLQ $(64-n), before, free; \
	VPOR   out, free, out

// func sweepAVX2(k *chunk, p *byte, n int)
//
// R13 is eight times the number of the present block; R8: over and R9: dot are carried over from block to block. R14
// counts hosts, then words.
TEXT ·sweepAVX2(SB), NOSPLIT, $0-24
	MOVQ k+0(FP), DI
	MOVQ p+8(FP), SI
	MOVQ n+16(FP), R12
	SHLQ $3, R12
	VBROADCASTI128 lowHalf<>(SB), Y8
	VBROADCASTI128 highHalf<>(SB), Y9
	VPBROADCASTQ bytes<>+0(SB), Y10
	VPBROADCASTQ bytes<>+8(SB), Y11
	VPBROADCASTQ bytes<>+16(SB), Y13
	VBROADCASTI128 (chunk_wanted+wordEnd_letters)(DI), Y15
	VPXOR Y12, Y12, Y12
	VPXOR Y14, Y14, Y14
	XORL  R13, R13
	XORL  R14, R14
	MOVQ  (chunk_wanted+wordEnd_any)(DI), R10
	MOVQ  chunk_over(DI), R8
	MOVQ  chunk_dot(DI), R9

block:
	VMOVDQU (SI)(R13*8), Y0
	VMOVDQU 32(SI)(R13*8), Y1
	VPOR    Y0, Y14, Y14
	VPOR    Y1, Y14, Y14
	VPSRLW  $4, Y0, Y2
	VPSRLW  $4, Y1, Y3
	VPAND   Y10, Y2, Y2
	VPAND   Y10, Y3, Y3
	VPSHUFB Y0, Y8, Y4
	VPSHUFB Y1, Y8, Y5
	VPSHUFB Y2, Y9, Y2
	VPSHUFB Y3, Y9, Y3
	VPAND   Y2, Y4, Y2
	VPAND   Y3, Y5, Y3

	VPCMPGTB Y2, Y11, Y4
	VPCMPGTB Y3, Y11, Y5
	MASK(Y4, Y5, AX, DX)    // no character of a label, or a dot
	MOVQ     AX, chunk_seps+8(DI)(R13*1)
	VPCMPGTB Y12, Y2, Y6
	VPCMPGTB Y12, Y3, Y7
	MASK(Y6, Y7, BX, DX)    // characters of labels, and dots
	VPCMPGTB Y2, Y13, Y4
	VPCMPGTB Y3, Y13, Y5
	MASK(Y4, Y5, CX, DX)    // no characters of words
	MOVQ     CX, chunk_nonword+8(DI)(R13*1)

	TESTQ R10, R10
	JE    lastDone
	VPSHUFB  Y0, Y15, Y0
	VPSHUFB  Y1, Y15, Y1
	VPAND    Y2, Y0, Y0
	VPAND    Y3, Y1, Y1
	VPCMPGTB Y12, Y0, Y0
	VPCMPGTB Y12, Y1, Y1
	MASK(Y0, Y1, CX, DX)    // characters that words end in
	MOVQ     CX, chunk_last+8(DI)(R13*1)

lastDone:
	// Host ends: a carry from the characters after dots. A dot is in AX and in BX.
	MOVQ  AX, DX
	ANDQ  BX, DX
	LEAQ  (R9)(DX*2), R9
	SHRQ  $63, DX
	ANDNQ R9, AX, R9
	ADDQ  R9, R8
	MOVQ  DX, R9
	ADDQ  BX, R8
	SBBQ  DX, DX
	ANDNQ R8, BX, R8
	NEGQ  DX

	POPCNTQ R8, BX
	PLACE(R8, chunk_hostEnds, 0, R14)
	PLACE(R8, chunk_hostEnds, 1, R14)
	PLACE(R8, chunk_hostEnds, 2, R14)
	JNE     moreHosts
	ADDQ    BX, R14

hosts:
	MOVQ DX, R8
	ADDQ $8, R13
	CMPQ R13, R12
	JNE  block

	VPMOVMSKB Y14, AX
	MOVQ AX, chunk_high(DI)
	MOVQ R8, chunk_over(DI)
	MOVQ R9, chunk_dot(DI)
	MOVQ R14, chunk_hosts(DI)

	// Four blocks at a time. Those that are not there hold neither dashes nor ends.
	XORL AX, AX
	MOVQ AX, chunk_nonword+8(DI)(R12*1)
	MOVQ AX, chunk_nonword+16(DI)(R12*1)
	MOVQ AX, chunk_nonword+24(DI)(R12*1)
	VPBROADCASTQ (chunk_wanted+wordEnd_longer)(DI), Y8
	VPBROADCASTQ (chunk_wanted+wordEnd_longer+8)(DI), Y9
	VPBROADCASTQ (chunk_wanted+wordEnd_longer+16)(DI), Y10
	XORL R13, R13

four:
	VMOVDQU chunk_nonword+8(DI)(R13*1), Y0
	VMOVDQU chunk_nonword(DI)(R13*1), Y1
	VMOVDQU chunk_seps+8(DI)(R13*1), Y2
	VMOVDQU chunk_seps(DI)(R13*1), Y3
	VPANDN  Y0, Y2, Y2              // dashes
	VPANDN  Y1, Y3, Y3
	SHIFTED(1, Y2, Y3, Y4, Y5)
	VPAND   Y2, Y4, Y4
	VPOR    Y4, Y12, Y12            // side by side
	TESTQ   R10, R10
	JE      fourDone
	SHIFTED(2, Y0, Y1, Y2, Y3)
	VPAND   Y8, Y2, Y2
	SHIFTED(3, Y0, Y1, Y4, Y5)
	VPAND   Y9, Y4, Y4
	SHIFTED(4, Y0, Y1, Y6, Y7)
	VPAND   Y10, Y6, Y6
	VPOR    Y2, Y4, Y4
	VPOR    Y4, Y6, Y6
	VMOVDQU chunk_last+8(DI)(R13*1), Y2
	VMOVDQU chunk_last(DI)(R13*1), Y3
	SHIFTED(1, Y2, Y3, Y4, Y5)
	VPAND   Y0, Y4, Y4
	VPANDN  Y4, Y6, Y6
	VMOVDQU Y6, chunk_ended(DI)(R13*1)

fourDone:
	ADDQ $32, R13
	CMPQ R13, R12
	JLT  four

	VPTEST   Y12, Y12
	SETNE    chunk_pairs(DI)
	VZEROUPPER
	TESTQ    R10, R10
	JE       done

	XORL R13, R13
	XORL R14, R14

words:
	MOVQ    chunk_ended(DI)(R13*1), DX
	POPCNTQ DX, BX
	PLACE(DX, chunk_wordEnds, 0, R14)
	PLACE(DX, chunk_wordEnds, 1, R14)
	PLACE(DX, chunk_wordEnds, 2, R14)
	PLACE(DX, chunk_wordEnds, 3, R14)
	PLACE(DX, chunk_wordEnds, 4, R14)
	PLACE(DX, chunk_wordEnds, 5, R14)
	JNE     moreWords
	ADDQ    BX, R14

wordsDone:
	ADDQ $8, R13
	CMPQ R13, R12
	JNE  words
	MOVQ R14, chunk_words(DI)

done:
	RET

moreHosts:
	ADDQ $3, R14

nextHost:
	PLACE(R8, chunk_hostEnds, 0, R14)
	LEAQ 1(R14), R14
	JNE  nextHost
	JMP  hosts

moreWords:
	ADDQ $6, R14

nextWord:
	PLACE(DX, chunk_wordEnds, 0, R14)
	LEAQ 1(R14), R14
	JNE  nextWord
	JMP  wordsDone

// WINDOW shows in out the places of a plane before place AX, the nearest in the top bit; 57 of them are sure.
#define WINDOW(plane, out, free) \
	LEAQ  7(AX), out;            \
	ANDNQ SEVEN, out, free;      \
	SHRQ  $3, out;               \
	MOVQ  plane(DI)(out*1), out; \
	SHLXQ free, out, out;        \
	ORQ   $0xff, out

// KEY writes, of the identifier before place AX whose length times 32 is in n, the key to R10, and fetches what the
// filter at R11 has for it: the keys of a chunk are all made before the first one is asked for. R9 is buf+base, R13 is
// kept.
#define KEY(n) \
	MOVQ        -8(R9)(AX*1), DX;   \
	ORQ         FOLD, DX;           \
	ANDQ        8(R13)(n*1), DX;    \
	XORQ        KEY_LAST, DX;       \
	MOVQ        -16(R9)(AX*1), BX;  \
	ORQ         FOLD, BX;           \
	ANDQ        (R13)(n*1), BX;     \
	XORQ        16(R13)(n*1), BX;   \
	MULXQ       BX, R14, R15;       \
	XORQ        R14, R15;           \
	SHRXQ       R12, R15, BX;       \
	PREFETCHT0  (R11)(BX*8);        \
	MOVQ        R15, (R10);         \
	ADDQ        $8, R10

// MAY asks the filter at R11, whose shift is R12, for key: the lowest bit of out.
#define MAY(key, out, free) \
	SHRXQ R12, key, out;       \
	MOVQ  (R11)(out*8), out;   \
	MOVQ  key, free;           \
	SHRQ  $6, free;            \
	SHRXQ free, out, free;     \
	SHRXQ key, out, out;       \
	ANDQ  free, out

// KEEP writes place AX and key and goes on if the lowest bit of passed is set.
#define KEEP(key, passed) \
	MOVW AX, chunk_found(DI)(DX*2);  \
	MOVQ key, chunk_keys(DI)(DX*8);  \
	ANDL $1, passed;                 \
	ADDQ passed, DX

// NAME keeps the place at i(SI) if the words at R11, whose shift is R12, have a bit for what stands before it, or if the
// last byte is one of R13 from the dot on. R14 takes from eight bytes those that do not choose the word; R15 is where the
// two before the others are.
#define NAME(i) \
	MOVWLZX i(SI), AX;                 \
	MOVQ    -8(R9)(AX*1), CX;          \
	ORQ     FOLD, CX;                  \
	SHRXQ   R14, CX, CX;               \
	IMULQ   R10, CX;                   \
	SHRXQ   R12, CX, CX;               \
	MOVQ    (R11)(CX*8), CX;           \
	MOVWLZX (R15)(AX*1), BX;           \
	ORL     $0x2020, BX;               \
	IMUL3L  $0x79b1, BX, BX;           \
	SHRL    $10, BX;                   \
	SHRXQ   BX, CX, CX;                \
	MOVBLZX -1(R9)(AX*1), R8;          \
	SUBL    $0x2e, R8;                 \
	CMPL    R8, R13;                   \
	SBBL    BX, BX;                    \
	ORL     BX, CX;                    \
	ANDL    $1, CX;                    \
	MOVW    AX, chunk_found(DI)(DX*2); \
	ADDQ    CX, DX

// func filterNamesBMI(k *chunk, buf *byte, base int, ends *uint16, count int, words *byte, shift uint, last int, kept uint64) int
TEXT ·filterNamesBMI(SB), NOSPLIT, $0-80
	MOVQ k+0(FP), DI
	MOVQ buf+8(FP), R9
	ADDQ base+16(FP), R9
	MOVQ ends+24(FP), SI
	MOVQ count+32(FP), R8
	LEAQ (SI)(R8*2), R8
	MOVQ R8, count+32(FP)
	SUBQ $4, R8
	MOVQ R8, base+16(FP)
	MOVQ words+40(FP), R11
	MOVQ shift+48(FP), R12
	MOVQ last+56(FP), R14
	LEAQ -2(R9), R15
	SUBQ R14, R15
	NEGQ R14
	LEAQ 64(R14*8), R14
	MOVQ kept+64(FP), R13
	MOVQ KEY_LAST, R10
	XORL DX, DX

names:
	CMPQ SI, base+16(FP)
	JHI  fewer
	NAME(0)
	NAME(2)
	ADDQ $4, SI
	JMP  names

fewer:
	CMPQ SI, count+32(FP)
	JEQ  namesDone
	NAME(0)

namesDone:
	MOVQ DX, ret+72(FP)
	RET

// func filterHostsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, filter *byte, shift uint, short int, numbers uint64, n int) int
TEXT ·filterHostsBMI(SB), NOSPLIT, $0-88
	MOVQ k+0(FP), DI
	MOVQ buf+8(FP), R9
	ADDQ base+16(FP), R9
	MOVQ ends+24(FP), SI
	MOVQ count+32(FP), AX
	LEAQ (SI)(AX*2), AX
	MOVQ AX, count+32(FP)
	MOVQ filter+40(FP), R11
	MOVQ shift+48(FP), R12
	LEAQ ·kept(SB), R13
	MOVQ n+72(FP), R10
	LEAQ chunk_keys(DI)(R10*8), R10
	XORL R8, R8

host:
	MOVWLZX (SI), AX
	ADDQ    $2, SI
	WINDOW(chunk_seps, BX, CX)
	LZCNTQ  BX, CX          // the last label
	SHLXQ   CX, BX, BX
	ADDQ    BX, BX
	LZCNTQ  BX, R14         // the second
	SHLXQ   R14, BX, BX
	ADDQ    BX, BX
	LZCNTQ  BX, R15         // the third
	LEAQ    1(CX)(R14*1), CX
	CMPQ    R14, short+56(FP)
	SBBQ    R14, R14        // all ones: short
	ADDQ    $1, R15
	ANDQ    R14, R15
	ADDQ    R15, CX
	MOVW    AX, chunk_short(DI)(R8*2)
	SUBQ    R14, R8
	SHLQ    $5, CX
	KEY(CX)
	CMPQ    SI, count+32(FP)
	JNE     host

	MOVQ R8, chunk_shorts(DI)
	MOVQ ends+24(FP), SI
	MOVQ count+32(FP), R8
	MOVQ n+72(FP), DX
	LEAQ chunk_keys(DI)(DX*8), R10

ask:
	MOVWLZX (SI), AX
	ADDQ    $2, SI
	MOVQ    (R10), R14
	ADDQ    $8, R10
	MAY(R14, R15, BX)
	MOVBLZX -1(R9)(AX*1), CX
	CMPQ    numbers+64(FP), $0
	JNE     number

asked:
	XORL $0x2e, CX
	CMPL CX, $1
	SBBL CX, CX             // all ones: it ends in a dot
	ORL  CX, R15
	KEEP(R14, R15)
	CMPQ SI, R8
	JNE  ask

	MOVQ DX, ret+80(FP)
	RET

number:
	LEAL -0x30(CX), BX
	CMPL BX, $10
	SBBL BX, BX
	ORL  BX, R15
	JMP  asked

// TAIL keeps the place at i(SI) if the tails at R11 hold the four bytes before it.
#define TAIL(i) \
	MOVWLZX i(SI), AX;               \
	MOVL    -4(R9)(AX*1), BX;        \
	ORL     $0x20202020, BX;         \
	IMUL3L  $0x9e3779b1, BX, BX;     \
	RORXL   $16, BX, CX;             \
	SHRL    $21, BX;                 \
	MOVL    (R11)(BX*4), BX;         \
	MOVW    AX, chunk_found(DI)(DX*2); \
	BTL     CX, BX;                  \
	ADCQ    $0, DX

// func filterTailsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, tails *byte) int
TEXT ·filterTailsBMI(SB), NOSPLIT, $0-56
	MOVQ k+0(FP), DI
	MOVQ buf+8(FP), R9
	ADDQ base+16(FP), R9
	MOVQ ends+24(FP), SI
	MOVQ count+32(FP), R8
	LEAQ (SI)(R8*2), R8
	MOVQ tails+40(FP), R11
	XORL DX, DX

	LEAQ -8(R8), R10

tails:
	CMPQ SI, R10
	JHI  fewer
	TAIL(0)
	TAIL(2)
	TAIL(4)
	TAIL(6)
	ADDQ $8, SI
	JMP  tails

fewer:
	CMPQ SI, R8
	JEQ  tailsDone
	TAIL(0)
	ADDQ $2, SI
	JMP  fewer

tailsDone:
	MOVQ DX, ret+48(FP)
	RET

// func filterWordsBMI(k *chunk, buf *byte, base int, ends *uint16, count int, filter *byte, shift uint) int
TEXT ·filterWordsBMI(SB), NOSPLIT, $0-64
	MOVQ k+0(FP), DI
	MOVQ buf+8(FP), R9
	ADDQ base+16(FP), R9
	MOVQ ends+24(FP), SI
	MOVQ count+32(FP), R8
	LEAQ (SI)(R8*2), R8
	MOVQ filter+40(FP), R11
	MOVQ shift+48(FP), R12
	LEAQ ·kept(SB), R13
	LEAQ chunk_keys(DI), R10

word:
	MOVWLZX (SI), AX
	ADDQ    $2, SI
	WINDOW(chunk_nonword, BX, CX)
	LZCNTQ  BX, CX
	SHLQ    $5, CX
	KEY(CX)
	CMPQ    SI, R8
	JNE     word

	MOVQ ends+24(FP), SI
	LEAQ chunk_keys(DI), R10
	XORL DX, DX

ask:
	MOVWLZX (SI), AX
	ADDQ    $2, SI
	MOVQ    (R10), R14
	ADDQ    $8, R10
	MAY(R14, R15, BX)
	KEEP(R14, R15)
	CMPQ    SI, R8
	JNE     ask

	MOVQ DX, ret+56(FP)
	RET

// func hasLZCNT() bool
TEXT ·hasLZCNT(SB), NOSPLIT, $0-1
	MOVB  $0, ret+0(FP)
	MOVL  $0x80000000, AX
	CPUID
	CMPL  AX, $0x80000001
	JB    done
	MOVL  $0x80000001, AX
	CPUID
	SHRL  $5, CX
	ANDL  $1, CX
	MOVB  CX, ret+0(FP)

done:
	RET
