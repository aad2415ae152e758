#!/usr/bin/python3
"""A server for tests that takes H.264 which is sent to it over RTSP (ANNOUNCE, RECORD), and writes it to a file as MPEG-TS.

Settings are read as JSON from standard input: port, path, file, user and password. Prints "ready" once clients can
connect.
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ROLE = "sender"


def main():
    settings = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    factory.set_launch(
        "( rtph264depay name=depay0 ! h264parse config-interval=-1 ! mpegtsmux"
        f" ! filesink buffer-mode=2 location={settings['file']} )"
    )
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(settings["user"], settings["password"]), token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.set_auth(auth)
    server.get_mount_points().add_factory(settings["path"], factory)
    if server.attach(None) == 0:
        sys.exit(f"port {settings['port']} cannot be opened")
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
