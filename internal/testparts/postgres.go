// Package testparts owns the real parts that tests run against: each starts on a free loopback port in a temporary
// folder, is waited for until it answers, and is stopped with the test. Nothing but tests imports it.
package testparts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout bounds each step of starting a part on a busy machine.
const startTimeout = time.Minute

// cluster is the one PostgreSQL of a test binary; it lives while a test uses it.
var cluster struct {
	sync.Mutex
	running *postgres
	users   int
	names   atomic.Int64
}

// Postgres gives the address of a fresh database in a throw-away PostgreSQL cluster. The cluster is started by the
// first caller and stopped, with its folder removed, when the last test that uses it ends.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	cluster.Lock()
	defer cluster.Unlock()
	if cluster.running == nil {
		p, err := startPostgres()
		if err != nil {
			tb.Fatal(err)
		}
		cluster.running = p
	}
	cluster.users++
	tb.Cleanup(func() { releasePostgres(tb) })

	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	name := fmt.Sprintf("test%d", cluster.names.Add(1))
	if err := cluster.running.create(ctx, name); err != nil {
		tb.Fatal(err)
	}
	return cluster.running.dsn(name)
}

func releasePostgres(tb testing.TB) {
	cluster.Lock()
	defer cluster.Unlock()
	cluster.users--
	if cluster.users > 0 {
		return
	}
	if err := cluster.running.stop(); err != nil {
		tb.Error(err)
	}
	cluster.running = nil
}

type postgres struct {
	bin  string // folder of initdb and pg_ctl
	dir  string
	port int
}

func startPostgres() (*postgres, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wardline-postgres-")
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	p := &postgres{bin: bin, dir: dir}
	if err := p.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func postgresBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("this test needs PostgreSQL's initdb: install the Debian package postgresql (apt-get install postgresql)")
}

func (p *postgres) start() error {
	if err := p.giveFolder(); err != nil {
		return err
	}
	if err := p.command("initdb", "-D", p.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return err
	}
	var err error
	for range 3 { // somebody may take the free port before the server does
		if p.port, err = freePort(); err != nil {
			return err
		}
		options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c fsync=off -c max_connections=200", p.port, p.dir)
		if err = p.command("pg_ctl", "-D", p.data(), "-w", "-t", strconv.Itoa(int(startTimeout.Seconds())), "-l", filepath.Join(p.dir, "log"), "-o", options, "start"); err == nil {
			return nil
		}
	}
	return err
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *postgres) dsn(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *postgres) create(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

func (p *postgres) stop() error {
	return errors.Join(p.command("pg_ctl", "-D", p.data(), "-w", "-m", "immediate", "stop"), os.RemoveAll(p.dir))
}

// giveFolder hands the folder to the user that PostgreSQL runs as: it refuses to run as root.
func (p *postgres) giveFolder() error {
	owner, err := serverUser()
	if err != nil || owner == nil {
		return err
	}
	return os.Chown(p.dir, int(owner.Uid), int(owner.Gid))
}

// serverUser is who the server must run as, nil for whoever runs the test.
func serverUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("run PostgreSQL as another user than root: %w: install the Debian package postgresql, which makes one", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (p *postgres) command(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*startTimeout) // stopping must outlive the test's own context
	defer cancel()
	owner, err := serverUser()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	out, err := os.OpenFile(filepath.Join(p.dir, "commands"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	// A file and not a pipe: the server inherits it, and a pipe would keep us waiting for the server to end.
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("run %s: %w\n%s", name, err, said)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
