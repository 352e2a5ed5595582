#!/usr/bin/env bash
# ready.sh PORT: exit code 0 when the server at this port of this machine says that it can work, as a balancer would ask it.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 4 _ code _ <&3
[[ $code == 200 ]]
