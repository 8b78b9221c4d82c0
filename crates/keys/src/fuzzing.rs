//! What fuzz targets call: tokens that come back in addresses.

use crate::Sealer;

/// What was not sealed here does not open, what was sealed opens for its purpose only, and a token with one character
/// changed opens for none.
pub fn sealed_token(data: &[u8]) {
    let Ok(sealer) = Sealer::new(&[7; 32]) else { return };
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(sealer.open("redirect/1", text), None, "{text:?} opens");
    }
    let Ok(token) = sealer.seal("redirect/1", data) else { return };
    // Longer than any that is looked at.
    if 16 * 1024 < token.len() {
        return;
    }
    assert_eq!(sealer.open("redirect/1", &token).as_deref(), Some(data));
    assert_eq!(sealer.open("session", &token), None);
    let place = data.first().map_or(0, |byte| usize::from(*byte) % token.len());
    let change = |(at, letter): (usize, char)| match letter {
        'A' if at == place => 'B',
        _ if at == place => 'A',
        letter => letter,
    };
    let changed: String = token.chars().enumerate().map(change).collect();
    assert_eq!(sealer.open("redirect/1", &changed), None, "{token} and {changed}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        schoolgate_testkit::fuzz::hold(&[("sealed_token", super::sealed_token)], 100_000);
    }
}
