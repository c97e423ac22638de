package main

import (
	"crypto/tls"
	"net"
	"net/url"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// A cutter ends a connection without an MQTT DISCONNECT, as a power cut does.
type cutter struct {
	mu   sync.Mutex
	conn net.Conn
}

func newCut() *cutter { return &cutter{} }

func (c *cutter) dial(conf *tls.Config) mqtt.OpenConnectionFunc {
	return func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		conn, err := tls.Dial("tcp", u.Host, conf)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conn = conn
		return conn, nil
	}
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.Close() // whatever it says: it is gone
}
