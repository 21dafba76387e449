package zzlab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"tailscale.com/types/logger"
)

// maxBytes bounds GET /bytes/N: 1 TiB.
const maxBytes = 1 << 40

// webServer serves HTTP on connections it is handed.
type webServer struct {
	node   *node
	server *http.Server
	conns  chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func newWebServer(n *node) *webServer {
	w := &webServer{node: n, conns: make(chan net.Conn), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.greet)
	mux.HandleFunc("GET /bytes/{count}", serveBytes)
	mux.HandleFunc("PUT /sha256", serveSHA256)
	mux.HandleFunc("POST /sha256", serveSHA256)
	w.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          logger.StdLogger(logger.Discard),
	}
	go w.server.Serve(w)
	return w
}

// serve returns when conn is closed, as every handler does.
func (w *webServer) serve(conn net.Conn) {
	closed := make(chan struct{})
	tracked := &trackedConn{Conn: conn, closed: sync.OnceFunc(func() { close(closed) })}
	select {
	case w.conns <- tracked:
		<-closed
	case <-w.done:
		conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	closed func()
}

func (c *trackedConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// CloseWrite lets net/http end a response whose request was not read to its end without a reset.
func (c *trackedConn) CloseWrite() error { return closeWrite(c.Conn) }

// Accept, Close and Addr make the server its own net.Listener.
func (w *webServer) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *webServer) Close() error {
	w.once.Do(func() { close(w.done) })
	return nil
}

func (w *webServer) Addr() net.Addr { return &net.TCPAddr{Port: HTTPPort} }

func (w *webServer) close() { w.server.Close() }

// greet says who the caller is, as the tailnet knows it.
func (w *webServer) greet(rw http.ResponseWriter, r *http.Request) {
	caller, err := w.node.client.WhoIs(r.Context(), r.RemoteAddr)
	if err != nil {
		http.Error(rw, "the tailnet does not know "+r.RemoteAddr, http.StatusForbidden)
		return
	}
	name := strings.TrimSuffix(caller.Node.Name, ".")
	label, _, _ := strings.Cut(name, ".")
	address := r.RemoteAddr
	if remote, err := netip.ParseAddrPort(address); err == nil {
		address = remote.Addr().String()
	}
	served := ""
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		served = local.String()
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(rw, "Hello, %s!\n\nYou are  %s (%s), user %s.\nThis is  %s (%s), a node of a private tailnet.\n",
		label, name, address, caller.UserProfile.LoginName, w.node.name+"."+Domain, served)
}

func serveBytes(rw http.ResponseWriter, r *http.Request) {
	count, err := strconv.ParseInt(r.PathValue("count"), 10, 64)
	if err != nil || count < 0 || count > maxBytes {
		http.Error(rw, "GET /bytes/N: N is 0 to "+strconv.Itoa(maxBytes), http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "application/octet-stream")
	rw.Header().Set("Content-Length", strconv.FormatInt(count, 10))
	for lines := chargenLines(); count > 0; {
		size, err := rw.Write(lines[:min(count, int64(len(lines)))])
		if err != nil {
			return
		}
		count -= int64(size)
	}
}

// digest is the answer of /sha256.
type digest struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

func serveSHA256(rw http.ResponseWriter, r *http.Request) {
	var sum hash.Hash = sha256.New()
	var count int64
	var err error
	withBuffer(func(buf []byte) { count, err = io.CopyBuffer(struct{ io.Writer }{sum}, r.Body, buf) })
	if err != nil {
		http.Error(rw, "the body was cut short", http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(digest{SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: count})
}
