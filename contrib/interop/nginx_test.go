package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

// nginxConfig buffers as nginx does unless told otherwise: it says nothing of buffering, of
// timeouts or of the protocol towards the server behind it. Its parameters are the folder for its
// files, the socket it listens on and that server's address.
const nginxConfig = `daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen unix:%[2]s;
		location / { proxy_pass http://%[3]s; }
	}
}
`

// nginx is a reverse proxy in front of a server on a loopback address.
type nginx struct {
	command *exec.Cmd
	socket  string // a Unix socket: no port that somebody else might take
	client  *http.Client
}

// newNginx starts nginx in front of backend. It ends with the test.
func newNginx(t *testing.T, backend string) *nginx {
	t.Helper()
	path := program(t, "nginx", "nginx")
	dir, err := os.MkdirTemp("", "nginx") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the worker is not root
		t.Fatal(err)
	}
	config, socket := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "socket")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, socket, backend), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &nginx{command: exec.Command(path, "-c", config, "-p", dir, "-e", "stderr"), socket: socket}
	n.client = &http.Client{Transport: &http.Transport{DialContext: n.dial}}
	testkit.EndWithUs(n.command)
	var said bytes.Buffer
	n.command.Stdout, n.command.Stderr = &said, &said
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.client.CloseIdleConnections()
		n.stop(t)
		if t.Failed() {
			t.Logf("nginx said:\n%s", &said)
		}
	})
	testkit.Eventually(t, "nginx listens", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return n
}

func (n *nginx) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", n.socket)
}

// stop ends nginx at once, with all connections, as often as it is called.
func (n *nginx) stop(t *testing.T) {
	t.Helper()
	n.command.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := n.command.Wait(); errors.As(err, &exit) {
		t.Errorf("nginx: %v", err)
	}
}
