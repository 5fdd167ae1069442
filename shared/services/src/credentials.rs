//! Users of the database and their passwords, random but the same as long as the folder lives.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, files};

/// The login roles that the program `migrate` creates in Postgres, from the secrets made here.
pub const DATABASE_ROLES: [&str; 4] = ["api_read", "api_write", "worker", "migrate"];

/// The superuser of Postgres.
pub const ADMIN: &str = "postgres";

/// A user of the database, in the JSON form that RDS uses in its secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The name of the user.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl Debug for Credentials {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// All users of the database.
#[derive(Clone, Debug)]
pub struct Users {
    /// The superuser.
    pub admin: Credentials,
    /// One for each of [`DATABASE_ROLES`].
    pub roles: Vec<Credentials>,
}

impl Users {
    pub(crate) fn load_or_make(path: &Path) -> Result<Self, Error> {
        let mut passwords: BTreeMap<String, String> = files::read_json(path)?.unwrap_or_default();
        let known = passwords.len();
        let mut user = |username: &str| {
            let password = match passwords.get(username) {
                Some(password) => password.clone(),
                None => random_password()?,
            };
            passwords.insert(username.to_owned(), password.clone());
            Ok::<_, Error>(Credentials { username: username.to_owned(), password })
        };
        let admin = user(ADMIN)?;
        let roles = DATABASE_ROLES.into_iter().map(user).collect::<Result<_, _>>()?;
        if passwords.len() != known {
            files::write_json(path, &passwords)?;
        }
        Ok(Self { admin, roles })
    }

    /// The superuser and the roles.
    pub fn all(&self) -> impl Iterator<Item = &Credentials> {
        std::iter::once(&self.admin).chain(&self.roles)
    }
}

/// The name of the secret with a user's credentials. The superuser's is called `admin`.
pub fn secret_name(username: &str) -> String {
    format!("task-manager/database/{}", secret_key(username))
}

/// The last part of that name, and the key in [`crate::State`].
pub(crate) fn secret_key(username: &str) -> &str {
    if username == ADMIN { "admin" } else { username }
}

/// Hexadecimal digits only: no quoting in any configuration file or URL.
pub(crate) fn random_password() -> Result<String, Error> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_has_no_password() {
        let user = Credentials { username: "worker".into(), password: "hidden".into() };
        assert_eq!(format!("{user:?}"), "Credentials { username: \"worker\", .. }");
    }

    #[test]
    fn the_superusers_secret_is_called_admin() {
        assert_eq!(secret_name(ADMIN), "task-manager/database/admin");
        assert_eq!(secret_name("api_read"), "task-manager/database/api_read");
    }
}
