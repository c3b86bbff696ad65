"""No password and no key of a node's address is shown, wherever in the address it stands."""

import pytest

from peerwatt.chain.redaction import Redaction, shown_url, without_urls

SECRET = "s3cr3tK3y0123456789"
URLS = {
    f"https://mainnet.example.org/v3/{SECRET}": "https://mainnet.example.org/…",
    f"https://user:{SECRET}@node.example.org": "https://node.example.org",
    f"https://{SECRET}@node.example.org:8545/": "https://node.example.org:8545",
    f"https://node.example.org/rpc?apikey={SECRET}&x=1": "https://node.example.org/…",
    f"https://node.example.org?key={SECRET}": "https://node.example.org/…",
    f"https://node.example.org/#{SECRET}": "https://node.example.org/…",
    f"http://user:{SECRET}@[::1]:8545/x": "http://[::1]:8545/…",
    f"https://name%40corp:{SECRET}%21@node.example.org/{SECRET}/": "https://node.example.org/…",
    "http://127.0.0.1:8545": "http://127.0.0.1:8545",
    "http://127.0.0.1:8545/": "http://127.0.0.1:8545",
    f"https://node.example.org:99999999/{SECRET}": "…",
    f"https://[broken/{SECRET}": "…",
}


@pytest.mark.parametrize("url", URLS)
def test_of_an_address_only_scheme_host_and_port_are_shown(url: str) -> None:
    assert shown_url(url) == Redaction(url).shown == URLS[url]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("text", ["{}", "at {}: no answer", "({}), again", 'GET "{}" failed.', "<{}>\n{}"])
def test_an_address_in_a_text_is_shown_the_same_way(url: str, text: str) -> None:
    said = without_urls(text.format(url, url))
    assert SECRET not in said
    assert said == text.format(URLS[url], URLS[url])


def test_what_a_node_repeats_of_its_address_is_hidden_too() -> None:
    url = f"https://ann:pass%20word1@node.example.org/v3/{SECRET}?token=abcdefgh12"
    redaction = Redaction(url)
    for said in (
        f"invalid project id {SECRET}",
        "user ann, password 'pass word1'",
        "pass%20word1",
        "Max retries exceeded with url: /v3/" + SECRET,
        "bad token abcdefgh12",
        "Authorization: Basic YW5uOnBhc3Mgd29yZDE=",
        f"see {url}",
    ):
        cleaned = redaction.clean(said)
        for secret in (SECRET, "pass word1", "pass%20word1", "abcdefgh12", "YW5uOnBhc3Mgd29yZDE="):
            assert secret not in cleaned
    assert redaction.clean("execution reverted: TooLate on node.example.org") == (
        "execution reverted: TooLate on node.example.org"
    )
