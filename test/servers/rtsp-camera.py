#!/usr/bin/python3
"""A camera for tests: serves H.264 that arrives as MPEG-TS on a UDP port of loopback, over RTSP.

Settings are read as JSON from standard input: port, udpPort, path, user, password, auth ("digest" or "basic"),
certificate (PEM of a certificate and its key: TLS) and transport ("tcp" or "udp": the only one; without, both). Without
a user anyone may watch; with one, only that authentication is taken. Prints "ready" once clients can connect.
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ROLE = "viewer"


def media_factory(udp_port):
    """One pipeline for all clients, as a camera has one encoder; it starts with the first of them."""
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(
        f"( udpsrc address=127.0.0.1 port={udp_port} buffer-size=8388608"
        ' caps="video/mpegts,systemstream=(boolean)true,packetsize=(int)188"'
        " ! tsdemux latency=0 ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 )"
    )
    return factory


def require_login(auth, factory, settings):
    user, password = settings["user"], settings["password"]
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    if settings.get("auth") == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    permit(factory)


def permit(factory):
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)


def allow_all(auth, factory):
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.set_default_token(token)
    permit(factory)


def main():
    settings = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    factory = media_factory(settings["udpPort"])
    if settings.get("transport"):
        lower = GstRtsp.RTSPLowerTrans
        factory.set_protocols(lower.TCP if settings["transport"] == "tcp" else lower.UDP)
    if settings.get("user") or settings.get("certificate"):
        auth = GstRtspServer.RTSPAuth()
        if settings.get("certificate"):
            pem = settings["certificate"]
            auth.set_tls_certificate(Gio.TlsCertificate.new_from_pem(pem, len(pem)))
        if settings.get("user"):
            require_login(auth, factory, settings)
        else:
            allow_all(auth, factory)
        server.set_auth(auth)
    server.get_mount_points().add_factory(settings["path"], factory)
    if server.attach(None) == 0:
        sys.exit(f"port {settings['port']} cannot be opened")
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
