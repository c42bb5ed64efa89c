//! A small API for the transcripts.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// An order that the API keeps.
type Orders = Arc<Mutex<Vec<String>>>;

/// Starts the API and returns its address, such as `127.0.0.1:4321`. It ends with the process.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let orders = Orders::default();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let orders = Arc::clone(&orders);
            thread::spawn(move || serve(stream, &orders));
        }
    });
    address
}

fn serve(mut stream: TcpStream, orders: &Orders) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = buffer.windows(4).position(|bytes: &[u8]| bytes == b"\r\n\r\n") else {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes) {
                Ok(read) if read > 0 => buffer.extend_from_slice(&bytes[..read]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let total = end + 4 + length.unwrap_or(0_usize);
        while buffer.len() < total {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes) {
                Ok(read) if read > 0 => buffer.extend_from_slice(&bytes[..read]),
                _ => return,
            }
        }
        let line = String::from_utf8_lossy(&buffer[..end])
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        buffer.drain(..total);
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, fields, body) = respond(method, path, orders);
        let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
        let mut response = format!("HTTP/1.1 {status}\r\nDate: {date}\r\n{fields}");
        if status != "204 No Content" {
            response += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        response += &format!("\r\n{body}");
        if stream.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

fn respond(method: &str, path: &str, orders: &Orders) -> (&'static str, String, String) {
    let none = String::new();
    let mut orders = orders.lock().expect("no test panics here");
    let missing = || ("404 Not Found", String::new(), r#"{"error":"not found"}"#.to_owned());
    match (method, path) {
        ("GET", "/health") => ("200 OK", none, r#"{"status":"ok"}"#.to_owned()),
        ("GET", "/users/42") => ("200 OK", none, r#"{"id":42,"name":"Ada"}"#.to_owned()),
        ("GET", "/users/43") => ("200 OK", none, r#"{"id":43,"name":null}"#.to_owned()),
        ("POST", "/orders") => {
            let id = format!("o{}", orders.len() + 1);
            orders.push(id.clone());
            let body = format!(r#"{{"id":"{id}","state":"open"}}"#);
            ("201 Created", format!("Location: /orders/{id}\r\n"), body)
        }
        (method, path) => {
            let id = path.strip_prefix("/orders/").unwrap_or_default();
            let Some(at) = orders.iter().position(|known| known == id) else {
                return missing();
            };
            match method {
                "GET" => ("200 OK", none, format!(r#"{{"id":"{id}","state":"open"}}"#)),
                "DELETE" => {
                    orders[at] = String::new();
                    ("204 No Content", none, String::new())
                }
                _ => missing(),
            }
        }
    }
}
