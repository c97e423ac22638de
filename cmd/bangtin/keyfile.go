package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"bangtin/internal/trust"

	"golang.org/x/crypto/ssh"
	"golang.org/x/term"
)

// minPassphrase is in characters. The file's bcrypt makes each guess slow, but a short word is still guessed.
const minPassphrase = 8

// encodeKey writes a private key as OpenSSH does, encrypted when there is a passphrase.
func encodeKey(key ed25519.PrivateKey, comment string, passphrase []byte) ([]byte, error) {
	var block *pem.Block
	var err error
	if len(passphrase) == 0 {
		block, err = ssh.MarshalPrivateKey(key, comment)
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, comment, passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot encode key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

// encodePublic writes the one line of an OpenSSH public key. Its comment is the person, a space and the name.
func encodePublic(pub ed25519.PublicKey, person, name string) ([]byte, error) {
	k, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("cannot encode public key: %w", err)
	}
	line := bytes.TrimSuffix(ssh.MarshalAuthorizedKey(k), []byte("\n"))
	return fmt.Appendf(line, " %s %s\n", person, name), nil
}

// readPublic reads what encodePublic wrote.
func readPublic(path string) (trust.Key, error) {
	raw, err := readSmall(path)
	if err != nil {
		return trust.Key{}, err
	}
	wrong := &problem{field: path, what: say("is not a public key made by bangtin keys new"),
		remedy: say("give the .pub file: ssh-ed25519, the key, the person and the name on one line")}
	parsed, comment, _, rest, err := ssh.ParseAuthorizedKey(raw)
	if err != nil {
		wrong.cause = err
		return trust.Key{}, wrong
	}
	person, name, ok := strings.Cut(comment, " ")
	pub, isEd25519 := cryptoKey(parsed)
	if !ok || !isEd25519 || !trust.ValidPerson(person) || strings.TrimSpace(name) == "" || len(bytes.TrimSpace(rest)) > 0 {
		return trust.Key{}, wrong
	}
	return trust.NewKey(pub, person, strings.TrimSpace(name)), nil
}

func cryptoKey(k ssh.PublicKey) (ed25519.PublicKey, bool) {
	c, ok := k.(ssh.CryptoPublicKey)
	if !ok {
		return nil, false
	}
	pub, ok := c.CryptoPublicKey().(ed25519.PublicKey)
	return pub, ok
}

// readKey opens a private key, asking for its passphrase where it has one and no file gives it, or finds it in the
// ssh-agent.
func (p *Program) readKey(path, passphraseFile string) (trust.Signer, error) {
	if fromAgent(path) {
		return p.agentKey(path)
	}
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParseRawPrivateKey(raw)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		passphrase, perr := p.passphrase(path, passphraseFile)
		if perr != nil {
			return nil, perr
		}
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(raw, passphrase)
	}
	ed, ok := key.(*ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, &problem{field: path, what: say("cannot be opened as a signing key"),
			remedy: say("check the passphrase, and that this is a key made by bangtin keys new"), cause: err}
	}
	return trust.NewSigner(*ed), nil
}

func (p *Program) passphrase(path, file string) ([]byte, error) {
	if file != "" {
		return readPassphrase(file)
	}
	return p.ask(say("Passphrase of %s: ", path))
}

// readPassphrase takes the first line of a file.
func readPassphrase(file string) ([]byte, error) {
	raw, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// newPassphrase asks twice, since a slip would lock the key for ever.
func (p *Program) newPassphrase(file string) ([]byte, error) {
	var first []byte
	var err error
	if file != "" {
		first, err = readPassphrase(file)
	} else {
		first, err = p.ask(say("New passphrase: "))
	}
	if err != nil {
		return nil, err
	}
	if utf8.RuneCount(first) < minPassphrase {
		return nil, &problem{field: "--passphrase-file", what: say("the passphrase is too short"),
			remedy: say("use at least %d characters", minPassphrase)}
	}
	if file != "" {
		return first, nil
	}
	second, err := p.ask(say("The same again: "))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, &problem{field: "--passphrase-file", what: say("the two passphrases differ"), remedy: say("try again")}
	}
	return first, nil
}

// ask reads a line from the terminal without showing it.
func (p *Program) ask(prompt phrase) ([]byte, error) {
	tty, ok := p.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return nil, &problem{field: "--passphrase-file", what: say("there is no terminal to ask for the passphrase"),
			remedy: say("give --passphrase-file FILE"), usage: true}
	}
	fmt.Fprint(p.Stderr, p.text(prompt))
	line, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(p.Stderr)
	if err != nil {
		return nil, fmt.Errorf("cannot read passphrase: %w", err)
	}
	return line, nil
}
