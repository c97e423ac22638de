package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"bangtin/hal/rs232"

	"golang.org/x/term"
)

func (p *Program) panelDiscover(o *options) action {
	port := o.text("port", say("serial port, such as /dev/ttyUSB0; better its name in /dev/serial/by-id"))
	ids := o.text("ids", say("set IDs to ask, such as 1-9 or 1,3,20-25 (1-9)"))
	names := o.list("protocol", say("ask in this protocol only: mdc, lg, nec or sicp; several times (all)"))
	return func(ctx context.Context, _ string) error {
		if err := o.require("port"); err != nil {
			return err
		}
		if *ids == "" {
			*ids = "1-9"
		}
		s := rs232.Search{Port: *port, Log: slog.New(slog.DiscardHandler)} // what goes wrong is told to the person
		var err error
		if s.IDs, err = setIDs(*ids); err != nil {
			return err
		}
		for _, name := range *names {
			protocol, err := protocolNamed(name)
			if err != nil {
				return err
			}
			s.Protocols = append(s.Protocols, protocol)
		}
		return p.discover(ctx, s)
	}
}

func (p *Program) discover(ctx context.Context, s rs232.Search) error {
	progress := p.progress()
	s.Asking = func(protocol rs232.Protocol, id int) {
		fmt.Fprintf(progress, "\r\x1b[K%s", p.text(say("asking %s, set ID %d …", string(protocol), id)))
	}
	o := discoveredObject{Port: s.Port}
	s.Found = func(f rs232.Finding) {
		fmt.Fprint(progress, "\r\x1b[K")
		fields := findingFields(f)
		p.tell(phrase{english: fieldLine(fields)})
		object := map[string]string{}
		for _, field := range fields {
			object[field.Key] = field.Value
		}
		o.Found = append(o.Found, object)
	}
	found, err := rs232.Discover(ctx, s)
	fmt.Fprint(progress, "\r\x1b[K")
	if err != nil && len(found) > 0 { // what was found until then counts
		if err := p.result(o); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return &problem{field: visible(s.Port), what: say("was not searched to the end"),
			remedy: say("ask fewer at once: --ids and --protocol"), cause: err}
	}
	if err != nil {
		return &problem{field: visible(s.Port), what: say("cannot be used as a panel's port"),
			remedy: say("check its name with ls -l /dev/serial/by-id, that you are in the group dialout, and that bangtind does not hold it: systemctl stop bangtind"),
			cause:  err}
	}
	if len(found) == 0 {
		return &problem{field: visible(s.Port), what: say("no panel answers"),
			remedy: say("try the cable (a straight one and a null modem, 2 and 3 crossed), the panel's mains switch, other --ids as in its menu, and the panel switched on: some are deaf in standby; on Samsung set the control to RS-232C: with RJ45 the serial port is silent")}
	}
	return p.result(o)
}

type discoveredObject struct {
	Port  string              `json:"port"`
	Found []map[string]string `json:"found"`
}

func findingFields(f rs232.Finding) []rs232.Field {
	fields := []rs232.Field{{Key: "protocol", Value: string(f.Protocol)}, {Key: "id", Value: strconv.Itoa(f.ID)}, {Key: "power", Value: f.Power.String()}}
	if f.Model != "" {
		fields = append(fields, rs232.Field{Key: "model", Value: f.Model})
	}
	if f.Edition == rs232.SICPUngrouped {
		fields = append(fields, rs232.Field{Key: "edition", Value: "ungrouped"})
	}
	return fields
}

// progress is where one line says what is being done: standard error where that is a terminal.
func (p *Program) progress() io.Writer {
	if f, isFile := p.Stderr.(*os.File); isFile && p.objects == nil && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return io.Discard
}

// setIDs reads numbers and ranges of them, each between 0 and 255 and each once.
func setIDs(text string) ([]int, error) {
	wrong := &problem{field: "--ids", what: say("%q are not set IDs", visible(text)),
		remedy: say("give numbers from 0 to 255, such as 1-9 or 1,3,20-25"), usage: true}
	var ids []int
	known := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 8)
		if err != nil {
			return nil, wrong
		}
		to, err := strconv.ParseUint(last, 10, 8)
		if err != nil || to < from {
			return nil, wrong
		}
		for id := int(from); id <= int(to); id++ {
			if !known[id] {
				known[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}
