//! Every case of `cases/` as a test.

use std::process::ExitCode;

use conforme::libtest::RunningApi;

fn main() -> ExitCode {
    conforme::libtest::main(async || {
        let token = "a-token-for-tests";
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, notes::router(token.to_owned())).await });
        RunningApi::from(address).secret("token", token)
    })
}
