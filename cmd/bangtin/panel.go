package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bangtin/hal/rs232"
)

// maxPanelHex bounds what decode reads: the longest frame of any protocol has 260 bytes.
const maxPanelHex = 2048

// protocol is the option that names what a panel speaks.
func (o *options) protocol() *string {
	return o.text("protocol", say("what the panel speaks: mdc (Samsung), lg, nec or sicp (Philips)"))
}

func protocolNamed(name string) (rs232.Protocol, error) {
	if p := rs232.Protocol(name); slices.Contains(rs232.Protocols(), p) {
		return p, nil
	}
	return "", &problem{field: "--protocol", what: say("%q is not a protocol of panels", visible(name)),
		remedy: say("use mdc, lg, nec or sicp"), usage: true}
}

func (p *Program) panelEncode(o *options) action {
	name := o.protocol()
	id := o.text("id", say("set ID of the panel, as in its menu; all for every panel on the line"))
	return func(_ context.Context, operand string) error {
		if err := o.require("protocol", "id"); err != nil {
			return err
		}
		protocol, err := protocolNamed(*name)
		if err != nil {
			return err
		}
		n, err := setID(protocol, *id)
		if err != nil {
			return err
		}
		words := strings.Fields(operand)
		b, err := rs232.Compose(protocol, n, words)
		if err != nil {
			return &problem{field: "panel encode", what: say("cannot be said to a panel of this protocol"),
				remedy: say("give a command and its value or get, such as: power on"), cause: err, usage: true}
		}
		p.tell(phrase{english: spacedHex(b)})
		return p.result(encodedObject{Protocol: string(protocol), ID: n, Words: words, Hex: spacedHex(b)})
	}
}

type encodedObject struct {
	Protocol string   `json:"protocol"`
	ID       int      `json:"id"`
	Words    []string `json:"words"`
	Hex      string   `json:"hex"`
}

func spacedHex(b []byte) string { return fmt.Sprintf("% X", b) }

// setID reads a set ID; which there are, the protocol says.
func setID(p rs232.Protocol, word string) (int, error) {
	if word == "all" {
		return p.Broadcast(), nil
	}
	n, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return 0, &problem{field: "--id", what: say("%q is not a set ID", visible(word)),
			remedy: say("give the number in the panel's menu, or all"), usage: true}
	}
	return int(n), nil
}

func (p *Program) panelDecode(o *options) action {
	name := o.protocol()
	return func(_ context.Context, operand string) error {
		if err := o.require("protocol"); err != nil {
			return err
		}
		protocol, err := protocolNamed(*name)
		if err != nil {
			return err
		}
		b, err := fromHex(operand)
		if err != nil {
			return err
		}
		fields, err := rs232.Describe(protocol, b)
		if err != nil {
			return err
		}
		p.tell(phrase{english: fieldLine(fields)})
		object := map[string]string{}
		for _, f := range fields {
			object[f.Key] = f.Value
		}
		return p.result(object)
	}
}

// fromHex reads bytes as people copy them: in any case, with spaces or without.
func fromHex(text string) ([]byte, error) {
	if len(text) > maxPanelHex {
		return nil, fmt.Errorf("cannot read HEX: %d characters are longer than any frame", len(text))
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if wrong := hex.InvalidByteError(0); errors.As(err, &wrong) {
		return nil, fmt.Errorf("cannot read HEX: %q is no digit of it", string(rune(wrong)))
	}
	if err != nil {
		return nil, errors.New("cannot read HEX: a digit is missing, the number of digits is odd")
	}
	return b, nil
}

// fieldLine is what a frame says, on one line. A value that has spaces or quotes, or that a terminal would not show as
// it is, stands in quotes.
func fieldLine(fields []rs232.Field) string {
	var words []string
	for _, f := range fields {
		words = append(words, quotedWhereNeeded(f.Key)+"="+quotedWhereNeeded(f.Value))
	}
	return strings.Join(words, " ")
}

func quotedWhereNeeded(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' || r == '=' }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}
