package depot_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"bangtin/internal/centre/depot"
)

// dial comes from an address of 127/8, which all belong to this machine.
func (r *rig) dial(address string) net.Conn {
	r.t.Helper()
	d := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}, Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(r.t.Context(), "tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// Strangers of many addresses ask for enrolment with bodies that never come: a display gets its content, and so does
// one behind the address of a stranger.
func TestStrangersTakeNoPlaceOfDisplays(t *testing.T) {
	r := newRig(t)
	data := []byte("content")
	if s := r.as(r.operators.client("operator-a")).status("PUT", "/content/"+sum(data), data); s != http.StatusCreated {
		t.Fatal(s)
	}
	for address := range 64 {
		for range 8 {
			c := r.dial(fmt.Sprintf("127.0.1.%d", address+1))
			if _, err := c.Write([]byte("POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n{")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 100 {
		r.dial("127.0.0.1")
	}
	for range 10 {
		if s := r.as(r.displays.client("tinh-bien-01")).status("GET", "/content/"+sum(data), nil); s != http.StatusOK {
			t.Errorf("a display with a good certificate: %d", s)
		}
	}
}

// A stranger who says nothing, or whose request never ends, is gone by itself; a display that waits is not.
func TestSilentStrangersGo(t *testing.T) {
	r := newRig(t)
	display := r.as(r.displays.client("tinh-bien-01"))
	var reused bool
	ask := func() {
		t.Helper()
		request, err := http.NewRequestWithContext(tracing(t.Context(), &reused), http.MethodGet, "https://"+r.address+"/content/"+sum(nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := display.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusNotFound {
			t.Errorf("%d, %v", response.StatusCode, err)
		}
	}
	ask()
	silent := r.dial("127.0.0.2")
	if err := silent.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a stranger who says nothing: %v", err)
	}
	if ask(); !reused {
		t.Error("the display's connection was closed too")
	}
}

// Of one address the oldest stranger goes when there are too many, and a /64 of IPv6 is one address.
func TestStrangersOfOneAddress(t *testing.T) {
	for name, address := range map[string]string{
		"IPv4": "192.0.2.1:%d", "the same within IPv6": "[::ffff:192.0.2.1]:%d", "a /64": "[2001:db8:0:1::%x]:443",
	} {
		t.Run(name, func(t *testing.T) {
			l := &comers{}
			gate := depot.NewGate(l, nil)
			var all []net.Conn
			for i := range 40 {
				l.next = fmt.Sprintf(address, i+1)
				c, err := gate.Accept()
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, c)
			}
			l.next = "[2001:db8:0:2::1]:443"
			other, err := gate.Accept()
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range l.made {
				if c.closed != (i < 8) {
					t.Errorf("connection %d: closed %v", i, c.closed)
				}
			}
			for _, c := range append(all, other) {
				c.Close()
			}
		})
	}
}
