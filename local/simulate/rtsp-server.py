#!/usr/bin/python3
"""Shows video that arrives as MPEG-TS on UDP ports of loopback over RTSP, as soon as it comes.

Settings are read as a line of JSON from standard input: host, port, and streams: a list of path, udpPort and codec
(h264 or hevc). Prints "ready" once clients can connect, and ends with its standard input.
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PARTS = {
    "h264": "h264parse ! rtph264pay",
    "hevc": "h265parse ! rtph265pay",
}


def media_factory(stream):
    """One pipeline for all clients of a camera, as a camera has one encoder."""
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(
        f"( udpsrc address=127.0.0.1 port={stream['udpPort']} buffer-size=8388608"
        ' caps="video/mpegts,systemstream=(boolean)true,packetsize=(int)188"'
        f" ! tsdemux latency=0 ! {PARTS[stream['codec']]} name=pay0 pt=96 config-interval=1 )"
    )
    # What comes is live as it is: with a clock of its own the server would hold it back by what piles up at the start.
    factory.connect("media-configure", lambda _factory, media: media.set_rate_control(False))
    return factory


def main():
    settings = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(settings["host"])
    server.set_service(str(settings["port"]))
    for stream in settings["streams"]:
        server.get_mount_points().add_factory(stream["path"], media_factory(stream))
    if server.attach(None) == 0:
        sys.exit(f"port {settings['port']} cannot be opened")
    loop = GLib.MainLoop()
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print("ready", flush=True)
    loop.run()


main()
