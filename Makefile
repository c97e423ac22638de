# make build  the programs, into bin/
# make demo   one display runs before your eyes; DURATION=40s ends it by itself
# make test   everything that can be proved here in a few minutes
# make bench  figures beside a peer, in the same run
# make bench-command   a signed command to the first byte on the serial line, beside a broker's round trip and an fsync
# make bench-hal       a command to a panel until its state is read back, beside the physical minimum on the line, HAL_ROUNDS each
# make bench-fleet     more and more displays on one broker and one centre, and the bytes that one display sends
# make fuzz   every parser of outside bytes, FUZZTIME each
# make e2e         the image booted in QEMU: programme, panel, centre, power cuts, watchdog, wrong inputs; needs root, no KVM
# make soak        the power taken away CUTS times at random moments, and the display on air again each time; needs root, no KVM
# make e2e-hal  the hardware's tests as root in a QEMU guest with Debian's kernel and its imitated hardware; needs root, no KVM
# make boot-spike  the two boot loaders that were compared, cut at every write of every change, booted under OVMF at BOOTS cuts of each; needs root, no KVM
# make image       the disk of a controller, in out/: made of Debian's packages and this repository, for ARCH, amd64 or arm64, the second emulated where this machine is the first; needs root
# make slate       image/recipe/slate.png anew, what a display shows while it starts; look at it before it is committed
# make secure-boot an image signed with KEY boots under a firmware that trusts that key alone, and with one thing wrong it does not; needs root, no KVM
# make cross       the department's tool for Linux, Windows and macOS, on amd64 and arm64
# make transfers   1,000 files through a proxy that drops, stalls, damages and lies about ranges
# make adversary   a hostile broker against a display on air, with a flood of FLOOD
# make torture-hal     panels of every serial protocol that misbehave, TORTURE steps each on virtual time and 1,000 over ptys
# make safety      TRIALS fires, relay and panel timed, with the broker down, the disk full and mpv hung; the full disk needs root
# make chaos  20 displays while broker and centre are killed 50 times each, links are cut and the database is full
# make lint   golangci-lint
# make vuln   known holes in what is built in; needs the network's list of them
# make clean  removes bin/ and what a demo left

SHELL    := /bin/sh
DURATION ?= 0s
FUZZTIME ?= 60s
TRANSFERS ?= 1000
FLOOD    ?= 60s
COMMANDS ?= 200
TORTURE  ?= 100000
TRIALS   ?= 1000
HAL_ROUNDS ?= 100
BOOTS    ?= 12
CUTS     ?= 30
FLEET    ?= 500,1000,2000,3500,5000,7000
STEADY   ?= 2m
ARCH     ?= amd64
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILT    := $(shell git log -1 --format=%cI 2>/dev/null || echo 2026-11-01T00:00:00Z)
LDFLAGS  := -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)
GO       := go
# SQLite asks for fsync where it is not told that there is fdatasync, and each then writes the file's time to the file
# system's own journal too: flash that wears for nothing.
export CGO_CFLAGS := -g -O2 -DHAVE_FDATASYNC=1
E2E_IMAGE = out/e2e-image/bangtin-$(VERSION)-test-amd64

.PHONY: all build demo test bench bench-command bench-hal bench-fleet fuzz transfers adversary safety chaos torture-hal e2e soak e2e-hal boot-spike image slate secure-boot cross lint vuln clean

all: build

build:
	@.ci/need build
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/bangtind ./cmd/bangtin-center ./cmd/bangtin-demo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/bangtin ./cmd/bangtin-bootctl ./cmd/bangtin-console ./cmd/bangtin-player ./cmd/bangtin-rescue ./cmd/bangtin-setup

demo: 
	@.ci/need build demo
	@$(MAKE) --no-print-directory -s build
	@exec bin/bangtin-demo --bin bin --duration $(DURATION)

test:
	@.ci/need build demo test
	@test -z "$$(gofmt -l cmd docs hal image internal media updater)" || { gofmt -l cmd docs hal image internal media updater; echo 'not gofmt-ed'; exit 1; }
	$(GO) vet ./...
	@.ci/gotest -race -p 2 -parallel 8 -timeout 30m ./...

bench:
	@.ci/need build demo test
	@$(MAKE) --no-print-directory -s build
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./media/mpv ./cmd/bangtind

bench-command:
	@.ci/need build demo test
	BANGTIN_COMMANDS=$(COMMANDS) $(GO) test -run '^TestCommandReachesTheLine$$' -v -count 1 -timeout 60m ./cmd/bangtind

bench-hal:
	@.ci/need build
	BANGTIN_HAL_ROUNDS=$(HAL_ROUNDS) $(GO) test -run '^TestLineTime$$' -v -count 1 -parallel 4 -timeout 60m ./hal/haltest

bench-fleet:
	@.ci/need build test
	BANGTIN_FLEET=$(FLEET) BANGTIN_FLEET_STEADY=$(STEADY) $(GO) test -run '^(TestFleet|TestBytesOfAMonth)$$' -v -count 1 -parallel 1 -timeout 90m ./cmd/bangtin-center

fuzz:
	@.ci/need build
	FUZZTIME=$(FUZZTIME) .ci/fuzz

# BANGTIN_E2E_GROUP: groups of what is shown, with commas between, instead of all: air, cec, power, wrong, beside, inside, watchdog, figures. BANGTIN_E2E_FLAGS: more of the program's flags.
e2e: build
	@.ci/need build demo image e2e
	@.ci/bench-image $(VERSION)
	$(GO) run ./image/imagetest -image $(E2E_IMAGE).img.zst -bench $(E2E_IMAGE).bench.img -only "$$BANGTIN_E2E_GROUP" $$BANGTIN_E2E_FLAGS

soak: build
	@.ci/need build demo image e2e
	@.ci/bench-image $(VERSION)
	$(GO) run ./image/imagetest -image $(E2E_IMAGE).img.zst -out out/soak -only power -cuts $(CUTS) -limit 3h

# BANGTIN_E2E_ROOMS: other rooms than all, folders or compiled tests; BANGTIN_E2E_RUN: a line for the guest's shell.
e2e-hal:
	@.ci/need e2e
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/boottest ./image/boottest
	@exec bin/boottest -command "$$BANGTIN_E2E_RUN" $$BANGTIN_E2E_ROOMS

boot-spike:
	@.ci/need boot
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/bootspike ./image/bootspike
	bin/bootspike -boots $(BOOTS)

# KEY and CERT: files of what signs the kernel image; without them a key is made and thrown away, and the files are named
# bangtin-VERSION-test-ARCH. RECORD=1: a release,
# whose package set is written to image/recipe/lock.ARCH.
image:
	@.ci/need build image $(if $(filter arm64,$(ARCH)),image-arm64)
	$(GO) run ./image/mkimage -out out -arch $(ARCH) -version $(VERSION) $(if $(KEY),-key $(KEY) -cert $(CERT)) $(if $(RECORD),-record)

slate:
	@.ci/need build demo
	$(GO) run ./image/drawslate

# Without KEY and CERT a key is made in out/secure-boot, and the image is made there too. SECURE_RUN: only the trials that it finds.
secure-boot: SECURE := out/secure-boot
secure-boot:
	@.ci/need build image secure
	$(if $(KEY),,$(GO) run ./image/secureboot -keys $(SECURE))
	$(GO) run ./image/mkimage -out $(SECURE) -version test -key $(or $(KEY),$(SECURE)/key.pem) -cert $(or $(CERT),$(SECURE)/cert.pem)
	@$(GO) build -o bin/secureboot ./image/secureboot
	bin/secureboot -image $(SECURE)/bangtin-test-amd64.img.zst -cert $(or $(CERT),$(SECURE)/cert.pem) -only '$(SECURE_RUN)'

cross:
	@.ci/need build
	@.ci/cross

transfers:
	@.ci/need build
	BANGTIN_TRANSFERS=$(TRANSFERS) $(GO) test -run '^TestTransfers$$' -v -count 1 -timeout 60m ./media/fetch

adversary:
	@.ci/need build demo test
	BANGTIN_ADVERSARY=$(FLOOD) $(GO) test -run '^TestAdversary' -v -count 1 -timeout 30m ./cmd/bangtind ./cmd/bangtin

safety:
	@.ci/need build demo test
	BANGTIN_SAFETY=$(TRIALS) $(GO) test -run '^(TestSafety|TestAFireOutlastsTheDaemon)$$' -v -count 1 -parallel 16 -timeout 60m ./cmd/bangtind

chaos:
	@.ci/need build test
	BANGTIN_CHAOS=full $(GO) test -run '^TestChaos$$' -v -count 1 -timeout 60m ./internal/chaos

torture-hal:
	@.ci/need build
	BANGTIN_TORTURE=$(TORTURE) BANGTIN_TORTURE_PTY=1000 $(GO) test -run '^TestTorture' -v -count 1 -parallel 8 -timeout 60m ./hal/haltest

lint:
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run ./...

vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

clean:
	rm -rf bin demo-data
