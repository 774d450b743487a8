"""A stock RTSP server (GStreamer's, Debian package gir1.2-gst-rtsp-server-1.0) with a login.

Run with the system's Python, which has the bindings: ``python3 gst_rtsp_server.py PORT {basic|digest} [PEM]``; with a
file of certificate and key it speaks TLS.
Serves a moving test picture as ``/cam`` (H.264), ``/h265`` and ``/mjpeg`` to user ``operator`` with password
``right horse``.
"""

# mypy: ignore-errors
from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

SOURCE = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1"
)
STREAMS = {
    "cam": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph265pay name=pay0 pt=96",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def main(port: str, method: str, pem: str | None = None) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    for name, encoded in STREAMS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {SOURCE} ! {encoded} )")
        factory.set_shared(True)
        factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    login = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if method == "digest":
        login.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        login.add_digest("operator", "right horse", token)
    else:
        login.add_basic(GstRtspServer.RTSPAuth.make_basic("operator", "right horse"), token)
    if pem is not None:
        login.set_tls_certificate(Gio.TlsCertificate.new_from_file(pem))
    server.set_auth(login)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:4])
