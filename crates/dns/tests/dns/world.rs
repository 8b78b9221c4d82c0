//! An upstream server of our own: a table of records, and faults on demand.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::svcb::{EchConfigList, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, CNAME, HTTPS, SOA, SVCB, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use schoolgate_runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Notify;

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Silent,
    Failing,
    /// The name comes back in lower case.
    Respelling,
    /// Before the answer comes another one, with another id.
    Forged,
    /// Before the answer comes one to another question.
    Mixed,
    Garbled,
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    records: HashMap<(String, RecordType), Vec<Record>>,
    mood: Mutex<Mood>,
    /// `udp www.Example. A` for each query that came.
    pub(crate) heard: Mutex<Vec<String>>,
    pub(crate) arrived: Notify,
}

fn a(address: &str) -> RData {
    RData::A(A(address.parse::<Ipv4Addr>().unwrap()))
}

fn alias(target: &str) -> RData {
    RData::CNAME(CNAME(Name::from_ascii(target).unwrap()))
}

fn ech(target: &str) -> RData {
    let keys = SvcParamValue::EchConfigList(EchConfigList(vec![0, 4, 1, 2, 3, 4]));
    let params = vec![(SvcParamKey::Port, SvcParamValue::Port(443)), (SvcParamKey::EchConfigList, keys)];
    RData::HTTPS(HTTPS(SVCB::new(1, Name::from_ascii(target).unwrap(), params)))
}

fn records() -> HashMap<(String, RecordType), Vec<Record>> {
    let large = vec!["x".repeat(250); 20];
    let table = [
        ("www.site.example.", 300, a("192.0.2.1")),
        ("large.example.", 300, RData::TXT(TXT::new(large))),
        ("shop.example.", 300, alias("shop.cdn.example.")),
        ("shop.cdn.example.", 300, a("192.0.2.7")),
        ("sly.example.", 300, alias("ads.bet.example.")),
        ("sly-named.example.", 300, alias("x.named.example.")),
        ("sly-locked.example.", 300, alias("x.locked.example.")),
        ("cdn.open.example.", 300, alias("ads.bet.example.")),
        ("ads.bet.example.", 300, a("192.0.2.66")),
        ("x.named.example.", 300, a("192.0.2.66")),
        ("x.locked.example.", 300, a("192.0.2.66")),
        ("bet.example.", 300, a("192.0.2.66")),
        ("help.example.", 300, a("192.0.2.11")),
        ("forcesafesearch.google.com.", 300, a("192.0.2.38")),
        ("restrict.youtube.com.", 300, a("192.0.2.39")),
        ("www.google.com.", 300, a("192.0.2.40")),
        ("ech.example.", 300, ech(".")),
        ("bank.example.", 300, ech(".")),
        ("rebound.example.", 300, a("192.168.1.1")),
        ("files.inner.example.", 300, a("127.0.0.1")),
        ("only.zone.example.", 300, a("192.0.2.99")),
    ];
    let mut records: HashMap<_, Vec<Record>> = HashMap::new();
    for (name, ttl, data) in table {
        let record = Record::from_rdata(Name::from_ascii(name).unwrap(), ttl, data);
        records.entry((name.to_owned(), record.record_type())).or_default().push(record);
    }
    records
}

impl World {
    pub(crate) async fn start(tasks: &Tasks) -> Arc<Self> {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // The same port over TCP may be somebody else's.
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (socket, listener);
            }
        };
        let world = Arc::new(Self {
            address: socket.local_addr().unwrap(),
            records: records(),
            mood: Mutex::default(),
            heard: Mutex::default(),
            arrived: Notify::new(),
        });
        tasks.spawn("world over UDP", Arc::clone(&world).serve_udp(socket));
        tasks.spawn("world over TCP", Arc::clone(&world).serve_tcp(listener, tasks.clone()));
        world
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What was heard since this was last asked.
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    async fn serve_udp(self: Arc<Self>, socket: UdpSocket) {
        let mut buffer = vec![0; 4_096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            for answer in self.answer("udp", &buffer[..length]) {
                socket.send_to(&answer, peer).await.unwrap();
            }
        }
    }

    async fn serve_tcp(self: Arc<Self>, listener: TcpListener, tasks: Tasks) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let world = Arc::clone(&self);
            tasks.spawn("world's connection", async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut query = vec![0; length.into()];
                    stream.read_exact(&mut query).await.unwrap();
                    for answer in world.answer("tcp", &query) {
                        stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                        stream.write_all(&answer).await.unwrap();
                    }
                }
            });
        }
    }

    /// What is sent, in order.
    fn answer(&self, over: &str, query: &[u8]) -> Vec<Vec<u8>> {
        let query = Message::from_vec(query).unwrap();
        let question = &query.queries[0];
        let flags = [(query.metadata.checking_disabled, " CD"), (dnssec(&query), " DO")];
        let flags: String = flags.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        let line = format!("{over} {} {}{flags}", question.name, question.query_type);
        self.heard.lock().unwrap().push(line);
        self.arrived.notify_one();
        let mood = *self.mood.lock().unwrap();
        let right = self.right(&query, over);
        let bytes = |message: &Message| message.to_vec().unwrap();
        let forged = |change: &dyn Fn(&mut Message)| {
            let mut forged = right.clone();
            forged.answers = vec![Record::from_rdata(question.name.clone(), 300, a("203.0.113.66"))];
            change(&mut forged);
            bytes(&forged)
        };
        match mood {
            Mood::Well => vec![bytes(&right)],
            Mood::Silent => Vec::new(),
            Mood::Failing => {
                let mut failed = right.clone();
                failed.answers.clear();
                failed.metadata.response_code = ResponseCode::ServFail;
                vec![bytes(&failed)]
            }
            Mood::Respelling => {
                let mut other = right.clone();
                other.queries[0].set_name(question.name.to_lowercase());
                vec![bytes(&other)]
            }
            Mood::Forged => vec![forged(&|message| message.metadata.id ^= 1), bytes(&right)],
            Mood::Mixed => vec![
                forged(&|message| {
                    message.queries[0].set_name(Name::from_ascii("other.example.").unwrap());
                }),
                bytes(&right),
            ],
            Mood::Garbled => vec![[&bytes(&right)[..12 + question.name.len() + 5], &[0xff; 40]].concat()],
        }
    }

    fn right(&self, query: &Message, over: &str) -> Message {
        let question = &query.queries[0];
        let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        answer.metadata.authentic_data = dnssec(query);
        answer.add_query(question.clone());
        let mut name = question.name.to_lowercase();
        for _ in 0..8 {
            let of = |kind| self.records.get(&(name.to_string(), kind));
            if let Some(found) = of(question.query_type) {
                answer.answers.extend(found.iter().cloned());
                break;
            }
            let Some(found) = of(RecordType::CNAME) else { break };
            answer.answers.extend(found.iter().cloned());
            let RData::CNAME(target) = &found[0].data else { break };
            name = target.0.clone();
        }
        if answer.answers.is_empty() {
            let is_there = self.records.keys().any(|(known, _)| *known == name.to_string());
            answer.metadata.response_code = if is_there { ResponseCode::NoError } else { ResponseCode::NXDomain };
            let root = Name::from_ascii("ns.example.").unwrap();
            let soa = SOA::new(root.clone(), root, 1, 2, 3, 4, 60);
            answer.authorities.push(Record::from_rdata(Name::from_ascii("example.").unwrap(), 900, RData::SOA(soa)));
        }
        if query.edns.is_some() {
            answer.set_edns(Edns::new());
        }
        let limit = query.edns.as_ref().map_or(512, Edns::max_payload);
        if over == "udp" && usize::from(limit) < answer.to_vec().unwrap().len() {
            answer.answers.clear();
            answer.metadata.truncation = true;
        }
        answer
    }
}

fn dnssec(query: &Message) -> bool {
    query.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok)
}
