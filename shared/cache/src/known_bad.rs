//! The usual forms that are wrong, for the tests that must find them. Not compiled into what deploys.

use config::{ConfigError, Env};

/// Which part, if any, is to be done wrong: the setting `REDIS_KNOWN_BAD` of a debug build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KnownBad {
    /// Everything as it should be.
    #[default]
    Nothing,
    /// A cache that is filled without asking whether the value still holds, and cleared after the
    /// write.
    #[cfg(debug_assertions)]
    NaiveCache,
    /// A limit that every process counts for itself.
    #[cfg(debug_assertions)]
    OwnMeter,
    /// How a user stands is kept without asking whether that has changed meanwhile.
    #[cfg(debug_assertions)]
    HastyStanding,
}

#[cfg(not(debug_assertions))]
impl KnownBad {
    pub(crate) const fn from_env(_: &Env) -> Result<Self, ConfigError> {
        Ok(Self::Nothing)
    }

    pub(crate) const fn instead_of<'t>(self, _: &str, text: &'t str) -> &'t str {
        text
    }

    pub(crate) const fn meter(self, key: String) -> String {
        key
    }
}

#[cfg(debug_assertions)]
impl KnownBad {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        const NAME: &str = "REDIS_KNOWN_BAD";
        match env.optional::<String>(NAME)?.as_deref() {
            None => Ok(Self::Nothing),
            Some("naive-cache") => Ok(Self::NaiveCache),
            Some("own-meter") => Ok(Self::OwnMeter),
            Some("hasty-standing") => Ok(Self::HastyStanding),
            Some(_) => {
                Err(ConfigError::new(NAME, "must be naive-cache, own-meter or hasty-standing"))
            }
        }
    }

    /// The script that takes another's place.
    pub(crate) fn instead_of<'t>(self, name: &str, text: &'t str) -> &'t str {
        if self == Self::HastyStanding && name == "remember" {
            return "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1";
        }
        if self != Self::NaiveCache {
            return text;
        }
        match name {
            "look" => {
                "return {'always', redis.call('HGET', KEYS[3], ARGV[1]), redis.call('GET', KEYS[4])}"
            }
            "fill" => {
                "if ARGV[3] ~= '' then
                  redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
                  redis.call('PEXPIRE', KEYS[3], ARGV[4])
                end
                return 1"
            }
            "fence" => "return 0",
            "lift" | "drop" => "redis.call('UNLINK', KEYS[3]) return 0",
            _ => text,
        }
    }

    /// The key of a meter.
    pub(crate) fn meter(self, key: String) -> String {
        if self == Self::OwnMeter { format!("{key}:{}", std::process::id()) } else { key }
    }
}
