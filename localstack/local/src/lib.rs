#![doc = include_str!("../README.md")]

pub mod cli;
pub mod cloud;
pub mod gateway;
pub mod lambda;
pub mod queues;
pub mod schedules;
pub mod template;
