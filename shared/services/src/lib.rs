#![doc = include_str!("../README.md")]

mod account;
mod certificates;
pub mod cli;
mod credentials;
mod error;
mod files;
mod folder;
mod http;
mod localstack;
mod pgbouncer;
mod pids;
mod ports;
mod postgres;
mod process;
mod programs;
mod progress;
mod redis;
mod secrets;
mod services;
mod spawner;
mod state;
mod wait;

pub use certificates::Certificates;
pub use credentials::{ADMIN, Credentials, DATABASE_ROLES, Users, secret_name};
pub use error::Error;
pub use folder::{Folder, checkout};
pub use localstack::{LocalStack, REGION};
pub use pgbouncer::PgBouncer;
pub use pids::{down, sweep};
pub use ports::{Ports, free_port};
pub use postgres::{Postgres, StopMode};
pub use progress::say;
pub use redis::Redis;
pub use services::{Services, Settings};
pub use spawner::spawn;
pub use state::{Address, LocalStackState, RedisState, State};
