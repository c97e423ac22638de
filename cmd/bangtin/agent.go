package main

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"time"

	"bangtin/internal/trust"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agentPrefix stands before a fingerprint: agent:SHA256:… is a key of the ssh-agent.
const agentPrefix = "agent:"

// agentWait is the default of Program.AgentWait.
const agentWait = 10 * time.Second

// maxAgent is what OpenSSH's agent takes in one message (AGENT_MAX_LEN), less room for the key and the frame.
const maxAgent = 256<<10 - 256

// An agentSigner signs with a key that the ssh-agent holds, be it in memory or on a token. The agent's signature by
// an ssh-ed25519 key is plain Ed25519 over the message; the package trust checks it before it is used. It is
// reached over a unix socket only: the named pipe of Windows has no deadlines without a further dependency.
type agentSigner struct {
	field  string // what the person called the key
	socket string
	key    ssh.PublicKey
	public ed25519.PublicKey
	limit  time.Duration
}

func (s *agentSigner) Public() ed25519.PublicKey { return s.public }

// Sign blocks until the agent has signed, at most limit.
func (s *agentSigner) Sign(message []byte) ([]byte, error) {
	if len(message) > maxAgent {
		return nil, &problem{field: s.field, what: say("is in the ssh-agent, which signs no more than %d KiB", maxAgent>>10),
			remedy: say("make it smaller, or sign it with a key in a file")}
	}
	conn, err := dialAgent(s.field, s.socket, s.limit)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	signature, err := agent.NewClient(conn).Sign(s.key, message)
	if err != nil {
		return nil, &problem{field: s.field, what: say("was not used by the ssh-agent"),
			remedy: say("unlock the agent, touch the token where it asks for it, and try again"), cause: err}
	}
	if signature.Format != ssh.KeyAlgoED25519 || len(signature.Rest) > 0 {
		return nil, &problem{field: s.field, what: say("makes signatures of another kind than ssh-ed25519"),
			remedy: say("use a key of the type ssh-ed25519"), cause: errors.New(signature.Format)}
	}
	return signature.Blob, nil
}

// fromAgent reports whether --key names a key of the agent: by its fingerprint, or by its public half in a file.
func fromAgent(path string) bool {
	return strings.HasPrefix(path, agentPrefix) || filepath.Ext(path) == ".pub"
}

// agentKey finds the key in the agent.
func (p *Program) agentKey(path string) (trust.Signer, error) {
	id, named := strings.CutPrefix(path, agentPrefix)
	if !named {
		key, err := readAuthorized(path)
		if err != nil {
			return nil, err
		}
		id = ssh.FingerprintSHA256(key)
	}
	socket := p.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, &problem{field: path, what: say("is in the ssh-agent, and none runs here: SSH_AUTH_SOCK is not set"),
			remedy: say("start ssh-agent and add the key with ssh-add, or give a key in a file")}
	}
	limit := cmp.Or(p.AgentWait, agentWait)
	conn, err := dialAgent(path, socket, limit)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	keys, err := agent.NewClient(conn).List()
	if err != nil {
		return nil, agentSilent(path, err)
	}
	for _, listed := range keys {
		key, err := ssh.ParsePublicKey(listed.Blob)
		if err != nil || ssh.FingerprintSHA256(key) != id {
			continue
		}
		public, err := plainEd25519(path, key)
		if err != nil {
			return nil, err
		}
		return &agentSigner{field: path, socket: socket, key: key, public: public, limit: 6 * limit}, nil
	}
	return nil, &problem{field: path, what: say("is not among the keys of the ssh-agent"),
		remedy: say("see ssh-add -l; add the key with ssh-add, or unlock the agent with ssh-add -X")}
}

// readAuthorized reads the public half of any SSH key, whatever its comment.
func readAuthorized(path string) (ssh.PublicKey, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(raw)
	if err != nil {
		return nil, &problem{field: path, what: say("is not a public SSH key"), remedy: say("check that this is the right file"), cause: err}
	}
	_, err = plainEd25519(path, key)
	return key, err
}

// plainEd25519 refuses every other kind of key. What a FIDO token (sk-ssh-ed25519) signs is not the message but a
// hash of it among other things, which no display would take.
func plainEd25519(path string, key ssh.PublicKey) (ed25519.PublicKey, error) {
	if strings.HasPrefix(key.Type(), "sk-") {
		return nil, &problem{field: path, what: say("is a FIDO key (%s), whose signatures displays cannot check", key.Type()),
			remedy: say("use a key of the type ssh-ed25519; a PIV or OpenPGP token can hold one")}
	}
	public, ok := cryptoKey(key)
	if !ok || key.Type() != ssh.KeyAlgoED25519 {
		return nil, &problem{field: path, what: say("is a key of the type %s", key.Type()), remedy: say("use a key of the type ssh-ed25519")}
	}
	return public, nil
}

// dialAgent connects for one exchange, which ends within limit.
func dialAgent(field, socket string, limit time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout("unix", socket, limit)
	if err != nil {
		return nil, agentSilent(field, err)
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, agentSilent(field, errors.Join(err, conn.Close()))
	}
	return conn, nil
}

func agentSilent(field string, err error) error {
	return &problem{field: field, what: say("is in the ssh-agent, which does not answer"),
		remedy: say("see whether ssh-add -l works, or give a key in a file"), cause: err}
}
