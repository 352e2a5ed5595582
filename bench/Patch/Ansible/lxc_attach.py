"""Ansible's connection to a container of this host: lxc-attach, with nothing between. The one of community.general asks liblxc's
Python for containers in the default place alone, and does not have pct's; ssh in each container would only be slower."""

import subprocess

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: lxc_attach
    short_description: Runs tasks in LXC containers of this host
    description: Runs tasks in LXC containers of this host by lxc-attach.
    options:
      remote_addr:
        description: The container's name.
        default: inventory_hostname
        vars: [{name: inventory_hostname}]
      lxcpath:
        description: Where LXC finds it.
        default: /var/lib/lxc
        vars: [{name: lxcpath}]
"""


class Connection(ConnectionBase):
    transport = "lxc_attach"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        ran = subprocess.run(self._attach(cmd), input=in_data, stdin=None if in_data else subprocess.DEVNULL, capture_output=True)
        return ran.returncode, ran.stdout, ran.stderr

    def put_file(self, in_path, out_path):
        with open(in_path, "rb") as file:
            self._copied(subprocess.run(self._attach(f"cat > '{out_path}'"), stdin=file, capture_output=True), in_path)

    def fetch_file(self, in_path, out_path):
        with open(out_path, "wb") as file:
            self._copied(subprocess.run(self._attach(f"cat '{in_path}'"), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE), in_path)

    def close(self):
        self._connected = False

    def _attach(self, command):
        return ["/usr/bin/lxc-attach", "-P", self.get_option("lxcpath"), "-n", self.get_option("remote_addr"), "--clear-env", "--", "/bin/sh", "-c", command]

    @staticmethod
    def _copied(ran, path):
        if ran.returncode != 0:
            raise AnsibleError(f"{path} was not copied: {ran.stderr.decode(errors='replace')}")
