#!/usr/bin/env python3
"""A token service for docker-registry: https://distribution.github.io/distribution/spec/auth/token/

It makes a key and a certificate in the folder that is its first argument, listens on the port that is its second, and accepts
the password of the environment variable TOKENS_PASSWORD for any user. Needs openssl.
"""

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

FOLDER, PORT = sys.argv[1], int(sys.argv[2])
KEY, CERTIFICATE = os.path.join(FOLDER, "key.pem"), os.path.join(FOLDER, "certificate.pem")
LIFETIME = 60


def make_key():
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=tokens"]
    subprocess.run([*command, "-keyout", KEY, "-out", CERTIFICATE], check=True, capture_output=True)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(user, service, scopes):
    """A JWT that grants the scopes, such as `repository:conforme/tokens:pull,push`."""
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    der = "".join(line for line in open(CERTIFICATE).read().splitlines() if "-----" not in line)
    header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
    now = int(time.time())
    claims = {"iss": "tokens", "sub": user, "aud": service, "nbf": now - 5, "iat": now, "exp": now + LIFETIME}
    claims |= {"jti": str(uuid.uuid4()), "access": access}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    sign = ["openssl", "dgst", "-sha256", "-sign", KEY]
    signature = subprocess.run(sign, input=text.encode(), check=True, capture_output=True).stdout
    return f"{text}.{base64url(signature)}"


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def user(self, decode):
        """The user of the basic credentials; none if the password is wrong."""
        encoded = (self.headers.get("Authorization") or "").removeprefix("Basic ")
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return decode(user) if decode(password) == os.environ["TOKENS_PASSWORD"] else None

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="tokens"')
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        """The request that a client sends after a challenge."""
        query = parse_qs(urlsplit(self.path).query)
        user = self.user(str)
        if user is None:
            return self.send(401, {"details": "wrong password"})
        token = signed(user, query["service"][0], query.get("scope", []))
        self.send(200, {"token": token, "expires_in": LIFETIME})

    def do_POST(self):
        """Client credentials (RFC 6749 section 4.4)."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        user = self.user(unquote_plus)
        if user is None:
            return self.send(401, {"error": "invalid_client", "error_description": "wrong password"})
        if form["grant_type"] != ["client_credentials"]:
            return self.send(400, {"error": "unsupported_grant_type"})
        token = signed(user, form["service"][0], form["scope"][0].split())
        self.send(200, {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})


make_key()
ThreadingHTTPServer(("127.0.0.1", PORT), Service).serve_forever()
