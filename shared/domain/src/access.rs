//! Roles, permissions, and the one map between them.

use std::collections::BTreeMap;
use std::fmt;

/// A role that an identity can carry; any other role of a token is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads everything, changes nothing.
    Viewer,
    /// Works on tasks of their own.
    User,
    /// Does everything.
    Admin,
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::User, Self::Admin];

    /// The name in tokens, in the realm and in `ROLE_PERMISSIONS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Permission {
    /// Read tasks that one owns or is assigned to.
    TasksRead,
    /// Read any task.
    TasksReadAll,
    /// Create; update one's own; as assignee, change the status.
    TasksWrite,
    /// Delete and restore any task that one may see.
    TasksDelete,
    /// Delete and restore one's own tasks. No role has it by default.
    TasksDeleteOwn,
    /// Write any task, change its owner, see the trash.
    TasksAdmin,
    /// List users with details, deactivate them.
    UsersManage,
    /// Read the audit log of everything.
    AuditRead,
    /// Read `/metrics`.
    MetricsRead,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 9] = [
        Self::TasksRead,
        Self::TasksReadAll,
        Self::TasksWrite,
        Self::TasksDelete,
        Self::TasksDeleteOwn,
        Self::TasksAdmin,
        Self::UsersManage,
        Self::AuditRead,
        Self::MetricsRead,
    ];

    /// The name in scopes, in `ROLE_PERMISSIONS` and in a 403.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TasksRead => "tasks:read",
            Self::TasksReadAll => "tasks:read:all",
            Self::TasksWrite => "tasks:write",
            Self::TasksDelete => "tasks:delete",
            Self::TasksDeleteOwn => "tasks:delete:own",
            Self::TasksAdmin => "tasks:admin",
            Self::UsersManage => "users:manage",
            Self::AuditRead => "audit:read",
            Self::MetricsRead => "metrics:read",
        }
    }

    /// The permission of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// The set of those given.
    pub fn of(permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self(permissions.into_iter().fold(0, |bits, p| bits | 1 << p as u8))
    }

    /// Whether the set holds a permission.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// What either set holds.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets hold.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The permissions of the set.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |p| self.has(*p))
    }

    /// Narrows the set by the scopes of a token.
    ///
    /// A token that names any `tasks:…` scope was asked for with less than everything: what counts
    /// then is what both the roles and the scopes give. A token without one is not narrowed.
    #[must_use]
    pub fn narrowed_by(self, scope: &str) -> Self {
        if !scope.split_ascii_whitespace().any(|word| word.starts_with("tasks:")) {
            return self;
        }
        self.intersection(Self::of(scope.split_ascii_whitespace().filter_map(Permission::named)))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::name)).finish()
    }
}

/// Which role has which permissions: the one switch of authorisation (`ROLE_PERMISSIONS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMap([Permissions; Role::ALL.len()]);

impl Default for RoleMap {
    fn default() -> Self {
        use Permission::{
            AuditRead, MetricsRead, TasksAdmin, TasksDelete, TasksRead, TasksReadAll, TasksWrite,
            UsersManage,
        };
        Self([
            Permissions::of([TasksRead, TasksReadAll, MetricsRead]),
            Permissions::of([TasksRead, TasksWrite, MetricsRead]),
            Permissions::of([
                TasksRead,
                TasksReadAll,
                TasksWrite,
                TasksDelete,
                TasksAdmin,
                UsersManage,
                AuditRead,
                MetricsRead,
            ]),
        ])
    }
}

impl RoleMap {
    /// What a role gives.
    pub const fn permissions(&self, role: Role) -> Permissions {
        self.0[role as usize]
    }

    /// What several roles give together.
    pub fn union(&self, roles: &[Role]) -> Permissions {
        roles.iter().fold(Permissions::NONE, |all, role| all.union(self.permissions(*role)))
    }
}

/// Reads `{"user": ["tasks:read", …], …}`. A role left out keeps its default.
impl std::str::FromStr for RoleMap {
    type Err = String;

    fn from_str(json: &str) -> Result<Self, String> {
        let given: BTreeMap<String, Vec<String>> = serde_json::from_str(json).map_err(|e| {
            format!("must be a JSON object of role names and permission lists ({e})")
        })?;
        let mut map = Self::default();
        for (name, permissions) in given {
            let role = Role::named(&name).ok_or_else(|| {
                format!("names a role `{name}`; the roles are viewer, user and admin")
            })?;
            let mut granted = Permissions::NONE;
            for name in permissions {
                let permission = Permission::named(&name)
                    .ok_or_else(|| format!("names a permission `{name}` that does not exist"))?;
                granted = granted.union(Permissions::of([permission]));
            }
            map.0[role as usize] = granted;
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_what_they_name() {
        assert!(Role::ALL.into_iter().all(|r| Role::named(r.name()) == Some(r)));
        assert!(Permission::ALL.into_iter().all(|p| Permission::named(p.name()) == Some(p)));
        assert_eq!(Role::named("Admin"), None);
    }

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let admin = RoleMap::default().permissions(Role::Admin);
        let user = RoleMap::default().permissions(Role::User);
        assert_eq!(admin.narrowed_by("openid profile"), admin);
        assert_eq!(
            admin.narrowed_by("openid tasks:read"),
            Permissions::of([Permission::TasksRead])
        );
        assert_eq!(user.narrowed_by("tasks:delete"), Permissions::NONE);
        // A `tasks:` scope that means nothing still says "less than everything".
        assert_eq!(admin.narrowed_by("tasks:nonsense"), Permissions::NONE);
    }

    #[test]
    fn a_role_map_replaces_only_the_roles_it_names() {
        let map: RoleMap = r#"{"user":["tasks:read","tasks:delete:own"]}"#.parse().unwrap();
        let expected = Permissions::of([Permission::TasksRead, Permission::TasksDeleteOwn]);
        assert_eq!(map.permissions(Role::User), expected);
        assert_eq!(map.permissions(Role::Admin), RoleMap::default().permissions(Role::Admin));
    }

    #[test]
    fn a_wrong_role_map_says_what_is_wrong() {
        let why = |json: &str| json.parse::<RoleMap>().unwrap_err();
        assert!(why("[]").contains("JSON object"));
        assert!(why(r#"{"boss":[]}"#).contains("`boss`"));
        assert!(why(r#"{"user":["tasks:fly"]}"#).contains("`tasks:fly`"));
    }
}
