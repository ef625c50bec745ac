// Literals, caseless, in blocks of 1 MiB with 1 KiB before each: what a user of the library would write first.
//   vectorscan compile VALUES DATABASE
//   vectorscan scan DATABASE FILE        prints the number of matches
#include <hs.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BODY = 1 << 20, LEAD = 1 << 10 };

static void fail(const char *what) {
	fprintf(stderr, "vectorscan: %s\n", what);
	exit(2);
}

static char *slurp(const char *path, size_t *size) {
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) != 0) fail(path);
	char *b = malloc(st.st_size + 1);
	if (!b) fail("memory");
	for (size_t at = 0; at < (size_t)st.st_size;) {
		ssize_t n = read(fd, b + at, st.st_size - at);
		if (n <= 0) fail(path);
		at += n;
	}
	close(fd);
	b[st.st_size] = 0;
	*size = st.st_size;
	return b;
}

static int compile(const char *values, const char *out) {
	size_t size, n = 0, bytes;
	char *text = slurp(values, &size), *db;
	for (size_t i = 0; i < size; i++) n += text[i] == '\n';
	const char **what = calloc(n, sizeof *what);
	unsigned *flags = calloc(n, sizeof *flags), *ids = calloc(n, sizeof *ids);
	size_t *lengths = calloc(n, sizeof *lengths);
	n = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		if (end == line) continue;
		what[n] = line, flags[n] = HS_FLAG_CASELESS, ids[n] = n, lengths[n] = end - line;
		n++;
	}
	hs_database_t *made;
	hs_compile_error_t *error;
	if (hs_compile_lit_multi(what, flags, ids, lengths, n, HS_MODE_BLOCK, NULL, &made, &error) != HS_SUCCESS) fail(error->message);
	if (hs_serialize_database(made, &db, &bytes) != HS_SUCCESS) fail("serialize");
	FILE *f = fopen(out, "wb");
	if (!f || fwrite(db, 1, bytes, f) != bytes || fclose(f) != 0) fail(out);
	return 0;
}

struct count {
	unsigned long long from, matches;
};

static int match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
	struct count *c = context;
	(void)id, (void)from, (void)flags;
	c->matches += to > c->from;
	return 0;
}

static int scan(const char *database, const char *path) {
	size_t size;
	char *text = slurp(database, &size), *buf = malloc(LEAD + BODY);
	hs_database_t *db;
	hs_scratch_t *scratch = NULL;
	if (!buf || hs_deserialize_database(text, size, &db) != HS_SUCCESS || hs_alloc_scratch(db, &scratch) != HS_SUCCESS) fail("load");
	free(text);
	int fd = open(path, O_RDONLY);
	if (fd < 0) fail(path);
	struct count c = {0, 0};
	for (off_t at = 0;;) {
		off_t from = at > LEAD ? at - LEAD : 0;
		ssize_t n = pread(fd, buf, at - from + BODY, from);
		if (n < 0) fail(path);
		if (n <= at - from) break;
		c.from = at - from;
		if (hs_scan(db, buf, n, 0, scratch, match, &c) != HS_SUCCESS) fail("scan");
		at = from + n;
	}
	printf("%llu\n", c.matches);
	return 0;
}

int main(int argc, char **argv) {
	if (argc == 4 && !strcmp(argv[1], "compile")) return compile(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "scan")) return scan(argv[2], argv[3]);
	fail("usage");
}
