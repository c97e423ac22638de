package main

import "fmt"

// hardening is what both services get. They need the network, their folder and nothing else of the machine.
const hardening = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
UMask=0027
`

// clockIsRead lets the centre ask the kernel whether somebody keeps the clock. Without a capability nobody can set it.
const clockIsRead = "SystemCallFilter=adjtimex\n"

// clockIsHidden is for everybody else.
const clockIsHidden = "ProtectClock=yes\n"

// units are the files of systemd/, by name.
func (c *centrePlan) units() map[string]string {
	watched := func(about, path, unit string) string {
		return fmt.Sprintf("# Written by bangtin center init.\n[Unit]\nDescription=%s\nStartLimitIntervalSec=0\n\n[Path]\n%sUnit=%s\n\n[Install]\nWantedBy=multi-user.target\n", about, path, unit)
	}
	once := func(about, command string) string {
		return fmt.Sprintf("# Written by bangtin center init.\n[Unit]\nDescription=%s\nStartLimitIntervalSec=0\n\n[Service]\nType=oneshot\nExecStart=%s\n", about, command)
	}
	return map[string]string{
		"bangtin-broker.service": c.brokerUnit(),
		"bangtin-center.service": c.centreUnit(),
		// Mosquitto asks a certificate once, at the handshake: only a restart cuts off who is connected.
		"bangtin-broker-restart.path": watched("Revoked certificates and the server's own reach the Bang Tin broker",
			"PathChanged="+c.dir+"/pki/crl.pem\nPathChanged="+c.dir+"/pki/server.pem\n", "bangtin-broker-restart.service"),
		"bangtin-broker-restart.service": once("Restart the Bang Tin broker", "/usr/bin/systemctl try-restart bangtin-broker.service"),
		"bangtin-broker-reload.path": watched("A new operator reaches the Bang Tin broker",
			"PathChanged="+c.dir+"/broker/acl-department\n", "bangtin-broker-reload.service"),
		"bangtin-broker-reload.service": once("Reload the Bang Tin broker", "/usr/bin/systemctl try-reload-or-restart bangtin-broker.service"),
		"bangtin-center-renew.service": once("Renew the certificates of the Bang Tin centre and broker",
			"/usr/local/bin/bangtin --lang en center renew --dir "+c.dir+"\nUser="+c.centreUser+"\nReadWritePaths="+c.dir+"\n"+hardening+clockIsHidden),
		"bangtin-center-renew.timer": "# Written by bangtin center init.\n[Unit]\nDescription=Look daily whether a certificate of the Bang Tin centre needs renewal\n\n" +
			"[Timer]\nOnCalendar=*-*-* 19:30 Asia/Ho_Chi_Minh\nRandomizedDelaySec=30m\nPersistent=yes\n\n[Install]\nWantedBy=timers.target\n",
		"bangtin-center.sysusers": fmt.Sprintf("# Written by bangtin center init, for /etc/sysusers.d/bangtin-center.conf.\nu %s - \"Bang Tin centre\" %s\nu %s - \"Bang Tin broker\" %s/broker\nm %s %s\n",
			c.centreUser, c.dir, c.brokerUser, c.dir, c.brokerUser, c.group),
	}
}

func (c *centrePlan) brokerUnit() string {
	return fmt.Sprintf(`# Written by bangtin center init.
[Unit]
Description=Bang Tin broker (Mosquitto)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=/usr/sbin/mosquitto -c %[1]s/broker/mosquitto.conf
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
User=%[2]s
Group=%[3]s
LimitNOFILE=65536
ReadOnlyPaths=%[1]s
ReadWritePaths=%[1]s/broker/data
InaccessiblePaths=%[1]s/keys %[1]s/operators %[1]s/pki/issued
%[4]s
[Install]
WantedBy=multi-user.target
`, c.dir, c.brokerUser, c.group, hardening+clockIsHidden)
}

func (c *centrePlan) centreUnit() string {
	return fmt.Sprintf(`# Written by bangtin center init.
[Unit]
Description=Bang Tin centre
Wants=network-online.target time-sync.target bangtin-broker.service
After=network-online.target time-sync.target bangtin-broker.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
WatchdogSec=180
ExecStart=/usr/local/bin/bangtin-center --dir %[1]s
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
User=%[2]s
Group=%[3]s
LimitNOFILE=65536
ReadWritePaths=%[1]s
InaccessiblePaths=%[1]s/broker/data -%[1]s/pki/department.key -%[1]s/operators
%[4]s
[Install]
WantedBy=multi-user.target
`, c.dir, c.centreUser, c.group, hardening+clockIsRead)
}
