package depot_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
)

// comers is a listener at which somebody of the next address arrives whenever it is asked.
type comers struct {
	net.Listener
	next string
	made []*comer
}

func (l *comers) Accept() (net.Conn, error) {
	c := &comer{address: l.next}
	l.made = append(l.made, c)
	return c, nil
}

// A comer says nothing.
type comer struct {
	net.Conn
	address string
	closed  bool
}

func (c *comer) RemoteAddr() net.Addr { return named(c.address) }

func (c *comer) Close() error {
	c.closed = true
	return nil
}

type named string

func (n named) Network() string { return "tcp" }
func (n named) String() string  { return string(n) }

// tracing notes whether a request used a connection that was there.
func tracing(ctx context.Context, reused *bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { *reused = i.Reused }})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
