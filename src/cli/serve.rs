//! `conforme serve`.

use std::net::Ipv4Addr;

use super::{Printer, args::ServeArgs};
use crate::{
    model::Exit,
    project::SECRET_PREFIX,
    reference::{ACTIVATIONS_PATH, Seed, Server, system_clock},
    run::Interrupts,
    session::SessionError,
    source::{FileKind, read_text},
};

pub(super) fn serve(args: &ServeArgs, printer: &Printer) -> Result<Exit, SessionError> {
    serve_until_interrupted(args, printer).map_err(SessionError::Usage)?;
    Ok(Exit::Success)
}

fn serve_until_interrupted(args: &ServeArgs, printer: &Printer) -> Result<(), String> {
    let seed = match &args.seed {
        None => Seed::embedded(),
        Some(path) => {
            let text = read_text(path, FileKind::Seed)
                .map_err(|error| format!("failed to read the seed `{}`: {error}", path.display()))?;
            Seed::parse(&text).map_err(|error| format!("the seed `{}`: {error}", path.display()))?
        }
    };
    let address = (Ipv4Addr::LOCALHOST, args.port).into();
    let server = Server::start(&seed, address, system_clock())
        .map_err(|error| format!("failed to listen on port {}: {error}", args.port))?;
    if let Some(url) = &args.smtp {
        server
            .send_mail_to(url, true)
            .map_err(|error| format!("--smtp: {error}"))?;
    }
    let base = server.base_url().to_owned();
    printer.out(&format!("serving the reference API on {base} until interrupted\n"));
    for (name, value) in seed.fixtures().secrets() {
        printer.out(&format!("export {SECRET_PREFIX}{}={value}", name.to_ascii_uppercase()));
    }
    let email = seed
        .fixtures()
        .user_email()
        .map(|email| format!("--var user_email={email}"));
    let email = email.filter(|_| args.smtp.is_some());
    let vars: Vec<_> = seed
        .fixtures()
        .variables()
        .iter()
        .map(|(name, value)| format!("--var {name}={value}"))
        .chain(email)
        .collect();
    printer.out(&format!("conforme run --target {base} \\\n  {}", vars.join(" \\\n  ")));
    let mail = match &args.smtp {
        Some(url) => format!("activation e-mails are sent to {url}"),
        None => "activation e-mails are not sent: `--smtp URL` names a mail server for them".to_owned(),
    };
    printer.out(&format!("\n{mail}"));
    let origin = base.split_once("/api").map_or(base.as_str(), |(origin, _)| origin);
    printer.out(&format!("activations so far: curl {origin}{ACTIVATIONS_PATH}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("failed to start: {error}"))?;
    let waited: std::io::Result<()> = runtime.block_on(async {
        Interrupts::listen()?.wait(1).await;
        Ok(())
    });
    waited.map_err(|error| format!("failed to start: {error}"))
}
