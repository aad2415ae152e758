#!/usr/bin/python3
"""A camera for benches: serves video that arrives as RTP on a UDP port of loopback, over RTSP, as soon as it comes.

Settings are read as JSON from standard input: port, udpPort, codec (h264 or hevc), user, password. Prints
"ready" once clients can connect.
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ROLE = "viewer"
PARTS = {
    "h264": ("H264", "rtph264depay ! h264parse ! rtph264pay"),
    "hevc": ("H265", "rtph265depay ! h265parse ! rtph265pay"),
}


def media_factory(settings):
    encoding, parts = PARTS[settings["codec"]]
    caps = f"application/x-rtp,media=video,clock-rate=90000,encoding-name={encoding},payload=96"
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(
        f"( udpsrc address=127.0.0.1 port={settings['udpPort']} buffer-size=8388608"
        f' caps="{caps}" ! {parts} name=pay0 pt=96 config-interval=1 )'
    )
    # What comes is live as it is: with a clock of its own the server would hold it back by what piles up at the start.
    factory.connect("media-configure", lambda _factory, media: media.set_rate_control(False))
    return factory


def require_digest(server, factory, user, password):
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)


def main():
    settings = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    factory = media_factory(settings)
    if settings.get("user"):
        require_digest(server, factory, settings["user"], settings["password"])
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {settings['port']} cannot be opened")
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
