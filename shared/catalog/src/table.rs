//! The table of routes and roles.

use std::fmt::Write as _;

use domain::{Permissions, Role, RoleMap};
use route::{Access, Entry};

/// Whom a column of the table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Who has no token.
    Anonymous,
    /// Who has a token without a role that counts.
    NoRole,
    /// Who has a role.
    Has(Role),
}

impl Column {
    /// Every column, weakest first: who has no role, then every role.
    pub const ALL: [Self; 2 + Role::ALL.len()] = {
        let mut all = [Self::Anonymous; 2 + Role::ALL.len()];
        all[1] = Self::NoRole;
        let mut n = 0;
        while n < Role::ALL.len() {
            all[2 + n] = Self::Has(Role::ALL[n]);
            n += 1;
        }
        all
    };

    /// The heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::NoRole => "no-role",
            Self::Has(role) => role.name(),
        }
    }

    /// Their roles.
    const fn roles(&self) -> &[Role] {
        match self {
            Self::Anonymous | Self::NoRole => &[],
            Self::Has(role) => std::slice::from_ref(role),
        }
    }

    /// What they may, by default.
    pub fn permissions(self) -> Permissions {
        RoleMap::default().union(self.roles())
    }

    /// What they meet at a route: `yes`; a refusal; or, where the path names a thing, whether they
    /// reach `any` or only their `own`, which includes what is assigned to them.
    pub fn cell(self, entry: &Entry) -> &'static str {
        if !entry.spec.access.has_caller() {
            return "yes";
        }
        if self == Self::Anonymous {
            return "401";
        }
        if !entry.spec.access.permits(self.roles(), self.permissions()) {
            return "403";
        }
        if entry.shape.path.is_empty() {
            "yes"
        } else if self.permissions().has(entry.spec.reach) {
            "any"
        } else {
            "own"
        }
    }
}

/// The table as `routes.txt` holds it.
pub fn render(entries: &[Entry]) -> String {
    let mut text = String::from(
        "# Who may call what. Written by `make generate`; review it like code.\n\
         # yes: may call it · own: for their own · any: for anybody's · 401, 403: may not\n",
    );
    let mut line = |words: [&str; 4], cells: &[&str]| {
        let [method, path, function, permission] = words;
        let _ = write!(text, "{method:<8}{path:<24}{function:<16}{permission:<30}");
        for cell in cells {
            let _ = write!(text, "{cell:<11}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    let headings: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
    line(["# method", " path", "function", "permission"], &headings);
    for entry in entries {
        let permission = match entry.spec.access {
            Access::Public => "public".to_owned(),
            Access::LogoutToken => "logout token".to_owned(),
            Access::AnyRole => "any role".to_owned(),
            Access::Requires(permission) => permission.name().to_owned(),
            Access::RequiresAny(enough) => {
                enough.iter().map(|one| one.name()).collect::<Vec<_>>().join("|")
            }
        };
        let cells: Vec<&str> = Column::ALL.iter().map(|column| column.cell(entry)).collect();
        for path in entry.spec.paths() {
            line([entry.spec.method.name(), path, entry.spec.name, &permission], &cells);
        }
    }
    text
}
