#!/bin/bash
# ngircd, an IRC server of Debian's, as a peer of the bench: at a free port, its
# limits off, and without asking the network who a client is.
#
#     ngircd.sh NGIRCD [ENDPOINT]      the endpoint is any port of 127.0.0.1
set -u

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

port=$((20000 + RANDOM % 10000))
while listens; do port=$((port + 1)); done
config=$(mktemp) || exit
cat >"$config" <<END
[Global]
Name = bench.example.org
Info = bench
Listen = 127.0.0.1
Ports = $port
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
END

# It does not say when it listens.
{
  for _ in $(seq 500); do
    if listens; then
      echo "listening on 127.0.0.1:$port"
      break
    fi
    sleep 0.01
  done
  rm -f "$config"
} &
exec "$1" --nodaemon --config "$config" >&2
