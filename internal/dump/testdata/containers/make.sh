#!/bin/sh
# Writes the archives of this folder anew. See README.md.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
printf 'https://vpn.hospital.example:jdoe:Winter-2024!\n' >short.txt
i=0
while [ $i -lt 300 ]; do
	printf 'https://portal%d.hospital.example/login:person%d@clinic.example:Invented-%d!\n' $((i % 7)) $i $((i * 7919 % 10007))
	i=$((i + 1))
done >logins.txt
i=0
while [ $i -lt 60 ]; do
	printf 'user%d@clinic.example:pw%d\n' $i $i
	i=$((i + 1))
done >a.txt
printf 'short\n' >b.txt
printf 'last line\n' >c.txt
touch -d '2024-05-01 12:00:00' short.txt logins.txt
password=open-sesame

for cipher in AES128 AES192 AES256 ZipCrypto; do
	7z a -tzip -mem=$cipher -p$password $cipher.zip short.txt logins.txt
done
7z a -tzip -mem=AES256 -mm=Copy -p$password AES256-stored.zip short.txt
7z a -tzip -mem=ZipCrypto -mm=Copy -p$password ZipCrypto-stored.zip short.txt
cat logins.txt | zip -q -P $password ZipCrypto-streamed.zip -
for method in Deflate64 LZMA PPMd BZip2 Xz; do
	7z a -tzip -mm=$method $method.zip logins.txt
done
for method in LZMA LZMA2 PPMd BZip2 Deflate Copy; do
	7z a -m0=$method $method.7z logins.txt
done
7z a -m0=LZMA2 -ms=on solid.7z short.txt logins.txt
7z a -m0=BCJ2 -m1=LZMA:d=1m -m2=LZMA -m3=LZMA -mb0:1 -mb0s1:2 -mb0s2:3 BCJ2.7z logins.txt
7z a -p$password AES.7z short.txt logins.txt
7z a -psesame-7 -ms=on AES-solid.7z a.txt b.txt c.txt
7z a -p$password -mhe=on AES-headers.7z short.txt logins.txt
xz --format=lzma -k -c logins.txt >logins.lzma
xz -k -c logins.txt >logins.xz
bzip2 -k -c logins.txt >logins.bz2
lz4 -q -k logins.txt logins.lz4
for f in *.zip *.7z logins.*; do
	[ "$f" = logins.txt ] || cp "$f" "$here"
done
