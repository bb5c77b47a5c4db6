"""The way out at the issuer: OpenID Connect RP-Initiated Logout 1.0.

It is a link, and not where the end of a session leads by itself: a policy that let a form lead to the issuer would
hold for every page, and who signs out here may want to stay signed in elsewhere. No ID token is kept, so none is sent
as a hint; the issuer asks the person instead (section 2), and knows the client by its id.
"""

from yarl import URL

from nexus.auth.discovery import IssuerMetadata
from nexus.auth.document_fetch import FetchFailed, check_address


def sign_out_address(metadata: IssuerMetadata, *, client_id: str, back: str) -> str | None:
    """Gives the address at which somebody signs out at the issuer; None where it names none of its own origin.

    Args:
        metadata: of the issuer.
        client_id: of the pages.
        back: where the issuer sends the browser then; to be registered there.
    """
    try:
        address = check_address(metadata.end_session_endpoint or "")
    except FetchFailed:
        return None
    if address.origin() != URL(metadata.issuer).origin():
        return None
    return str(address.update_query({"client_id": client_id, "post_logout_redirect_uri": back}))
