"""An OpenID Connect provider of Authlib's, run as a process: it knows one client, asks for PKCE, and lets everybody in.

`PUT /says` sets what its next tokens say of whoever signs in, over what the protocol would: so it can be made to lie.
It signs with RSA, or with an elliptic curve where it is told `"alg": "ES256"`.
"""

import sys
import time
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import make_server

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Flask, Response, request
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "countersign", "secret-of-the-tests"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
says: dict[str, Any] = {}
codes: dict[str, "Code"] = {}
app = Flask(__name__)


class Client(ClientMixin):  # type: ignore[misc]  # untyped base
    client_id = CLIENT

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/openid/return/")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # untyped base
    code: str
    asked: dict[str, str]
    auth_time: int = field(default_factory=lambda: int(time.time()))

    @property
    def code_challenge(self) -> str | None:
        return self.asked.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.asked.get("code_challenge_method")

    def get_redirect_uri(self) -> str | None:
        return self.asked.get("redirect_uri")

    def get_scope(self) -> str | None:
        return self.asked.get("scope")

    def get_nonce(self) -> str | None:
        return self.asked.get("nonce")

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> str:
        return "urn:example:loa:2"

    def get_amr(self) -> list[str]:
        return []


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # untyped base
    def save_authorization_code(self, code: str, asked: Any) -> None:
        codes[code] = Code(code, dict(asked.payload.data))

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
        return {"sub": "somebody", **says}


class Token(OpenIDCode):  # type: ignore[misc]  # untyped base
    def exists_nonce(self, nonce: str, asked: Any) -> bool:
        return False

    def get_client_algorithm(self, client: Client) -> str:
        return str(says.get("alg", "RS256"))

    def resolve_client_private_key(self, client: Client) -> RSAKey | ECKey:
        return EC if says.get("alg") == "ES256" else RSA

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": issuer(), "aud": CLIENT, "iat": now, "exp": now + 300}

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        ec = says.get("alg") == "ES256"
        return {"alg": self.get_client_algorithm(client), "kid": "ec" if ec else "rsa"}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
        hidden = {"alg"} if "email" in scope else {"alg", "email", "email_verified"}
        return UserInfo({name: value for name, value in user.items() if name not in hidden})


server = AuthorizationServer(
    app, query_client=lambda name: Client() if name == CLIENT else None, save_token=lambda *_: None
)
server.register_grant(CodeGrant, [Token(require_nonce=True), CodeChallenge(required=True)])


def issuer() -> str:
    return request.host_url.rstrip("/")


@app.get("/.well-known/openid-configuration")
def metadata() -> dict[str, Any]:
    own = issuer()
    return {
        "issuer": own,
        "authorization_endpoint": f"{own}/authorize",
        "token_endpoint": f"{own}/token",
        "jwks_uri": f"{own}/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }


@app.get("/keys")
def keys() -> dict[str, Any]:
    return {"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}


@app.get("/authorize")
def authorize() -> Response:
    return server.create_authorization_response(grant_user={"sub": "somebody"}, grant=server.get_consent_grant())


@app.post("/token")
def token() -> Response:
    return server.create_token_response()


@app.put("/says")
def say() -> str:
    says.clear()
    says.update(request.get_json())
    return ""


if __name__ == "__main__":
    serving = make_server("127.0.0.1", int(sys.argv[1]), app)
    sys.stdout.write("Listening\n")
    sys.stdout.flush()
    serving.serve_forever()
