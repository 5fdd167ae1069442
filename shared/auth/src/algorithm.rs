//! How a token may be signed.

use std::str::FromStr;

use jsonwebtoken::Algorithm;

/// A signature algorithm that can be allowed. There is no symmetric one and no `none` to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// RSA with PKCS #1 padding, what Keycloak does by default.
    Rs256,
    /// ECDSA on P-256.
    Es256,
    /// RSA with PSS padding.
    Ps256,
}

impl Alg {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::Ps256];

    /// The name in tokens and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm of exactly that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}

impl FromStr for Alg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or("must be RS256, ES256 or PS256")
    }
}

impl From<Alg> for Algorithm {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::Rs256 => Self::RS256,
            Alg::Es256 => Self::ES256,
            Alg::Ps256 => Self::PS256,
        }
    }
}
