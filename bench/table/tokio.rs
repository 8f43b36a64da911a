// tokio.rs: the tokio column of the table.
// usage: tokio ROW key=value...; what the rows do and print: bench/README.md, "The table".
// runtime=single|multi chooses the runtime; files go through its pool of blocking threads, as tokio's always do.
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
static TIMER_ERROR_US: AtomicU64 = AtomicU64::new(0);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

#[derive(Clone)]
struct Options(Vec<String>);

impl Options {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find_map(|option| option.strip_prefix(key)?.strip_prefix('='))
    }

    fn number(&self, key: &str, otherwise: u64) -> u64 {
        self.text(key).map_or(otherwise, |value| value.parse().expect("a number"))
    }
}

async fn cat(options: Options) -> Outcome {
    let size = options.number("size", 0);
    let mut from = File::open(options.text("from").unwrap_or("")).await?;
    let mut to = OpenOptions::new().write(true).create(true).open(options.text("to").unwrap_or("")).await?;
    let mut buffer = vec![0; options.number("buffer", 262_144) as usize];
    let mut copied = 0;
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        to.write_all(&buffer[..read]).await?;
        copied += read as u64;
    }
    to.flush().await?; // the last write is still with a thread of the pool
    match copied == size && to.metadata().await?.len() == size {
        true => Ok(()),
        false => Err("size of the copy".into()),
    }
}

async fn files(options: Options) -> Outcome {
    let size = options.number("size", 4096) as usize;
    let dir = options.text("dir").unwrap_or(".").to_owned();
    let tasks: Vec<_> = (0..options.number("count", 100)).map(|index| {
        let path = format!("{dir}/{index:03}");
        tokio::spawn(async move { check_file(&path, size, index).await })
    }).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

// Each file carries its number in its first and last eight bytes.
async fn check_file(path: &str, size: usize, index: u64) -> Outcome {
    let content = tokio::fs::read(path).await?;
    match content.len() == size && content[..8] == index.to_le_bytes() && content[size - 8..] == index.to_le_bytes() {
        true => Ok(()),
        false => Err(format!("content of {path}").into()),
    }
}

async fn requests(options: Options) -> Outcome {
    let (port, width, length) = (options.number("port", 0) as u16, options.number("tasks", 1), options.number("answer", 0) as usize);
    let each = options.number("count", 100) / width;
    let tasks: Vec<_> = (0..width).map(|_| tokio::spawn(async move {
        for _ in 0..each {
            request(port, length).await?;
        }
        Outcome::Ok(())
    })).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn request(port: u16, length: usize) -> Outcome {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(REQUEST).await?;
    let mut answer = Vec::with_capacity(4096);
    connection.read_to_end(&mut answer).await?;
    match answer.len() == length && answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"\r\n\r\nHello, World!") {
        true => Ok(()),
        false => Err("not the answer that was expected".into()),
    }
}

async fn timer(options: Options) -> Outcome {
    let delay = Duration::from_micros(options.number("delay_us", 1000));
    let (count, mut errors) = (options.number("count", 200), Duration::ZERO);
    for _ in 0..count {
        let started = Instant::now();
        tokio::time::sleep(delay).await;
        let elapsed = started.elapsed();
        errors += if elapsed > delay { elapsed - delay } else { delay - elapsed };
    }
    TIMER_ERROR_US.store((errors / count as u32).as_micros() as u64, Ordering::Relaxed);
    Ok(())
}

async fn start(options: Options) -> Outcome {
    check_file(options.text("path").unwrap_or(""), options.number("size", 4096) as usize, 0).await
}

// User and system time of this process so far, in microseconds.
fn cpu_us() -> (i64, i64) {
    #[repr(C)]
    struct Rusage([i64; 18]);
    extern "C" {
        fn getrusage(who: i32, usage: *mut Rusage) -> i32;
    }
    let mut usage = Rusage([0; 18]);
    assert_eq!(unsafe { getrusage(0, &mut usage) }, 0);
    (usage.0[0] * 1_000_000 + usage.0[1], usage.0[2] * 1_000_000 + usage.0[3])
}

fn main() {
    let row = std::env::args().nth(1).unwrap_or_default();
    let options = Options(std::env::args().skip(2).collect());
    let run = |options: Options| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        match row.as_str() {
            "cat" => Box::pin(cat(options)),
            "files" => Box::pin(files(options)),
            "requests" => Box::pin(requests(options)),
            "timer" => Box::pin(timer(options)),
            "start" => Box::pin(start(options)),
            _ => Box::pin(async { Err("usage: tokio cat|files|requests|timer|start key=value...".into()) }),
        }
    };
    let mut builder = match options.text("runtime") {
        Some("multi") => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().expect("a runtime");
    // The work is a task of its own: what block_on itself runs is slower on the multi-thread runtime.
    let run = |options| runtime.block_on(async { runtime.spawn(run(options)).await.expect("no panic") });
    let exit = |error: Box<dyn std::error::Error + Send + Sync>| -> ! {
        eprintln!("{error}");
        std::process::exit(1)
    };
    for _ in 0..options.number("warmup", 1) {
        run(options.clone()).unwrap_or_else(|error| exit(error));
    }
    let (user, system) = cpu_us();
    let started = Instant::now();
    run(options.clone()).unwrap_or_else(|error| exit(error));
    let real = started.elapsed().as_micros();
    let (user_end, system_end) = cpu_us();
    let error = TIMER_ERROR_US.load(Ordering::Relaxed);
    let error = if error > 0 { format!("error_us {error} ") } else { String::new() };
    println!("real_us {real} user_us {} sys_us {} {error}ok", user_end - user, system_end - system);
}
