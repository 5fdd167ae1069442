//! The program `local`: the verbs behind `make up`, `make down`, `make invoke` and `make trigger`.

mod detach;
mod down;
mod invoke;
mod signals;
mod up;

use std::process::ExitCode;

use config::Env;
use services::checkout;

use crate::cloud::{Home, Terminal};

const USAGE: &str = "\
usage:
  local up [--detach]              starts the local cloud, until Ctrl-C; --detach returns when it is ready
  local down                       stops it, whoever started it
  local invoke FUNCTION [EVENT]    one function, one event (a file; `-` is standard input)
  local trigger FUNCTION [SCHEDULE]  runs a schedule of the function now
  local remove                     stops it, and removes all that it has kept
The environment: PORT_OFFSET=100 moves all ports, WATCH=1 swaps in what is saved, NO_COLOR=1.";

/// What all verbs need.
struct Context {
    env: Env,
    home: Home,
    terminal: Terminal,
}

/// The whole of `main`.
pub fn main() -> ExitCode {
    let home = Home::of(&checkout());
    let env = match Env::load() {
        Ok(env) => env,
        Err(error) => {
            services::say(format_args!("local: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let no_colours = env.optional::<String>("NO_COLOR").is_ok_and(|set| set.is_some());
    let terminal = Terminal::new(&home, clock::Clock::system(), no_colours);
    let context = Context { env, home, terminal };
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["up"] => up::up(&context),
        ["up", "--detach"] => detach::up(&context),
        ["down"] => down::down(&context),
        ["remove"] => down::remove(&context),
        ["invoke", function] => invoke::invoke(&context, function, None),
        ["invoke", function, event] => invoke::invoke(&context, function, Some(event)),
        ["trigger", function] => invoke::trigger(&context, function, None),
        ["trigger", function, rule] => invoke::trigger(&context, function, Some(rule)),
        _ => {
            services::say(USAGE);
            return ExitCode::from(2);
        }
    };
    context.terminal.flush();
    outcome.unwrap_or_else(|error| {
        services::say(format_args!("local: {error}"));
        ExitCode::FAILURE
    })
}
