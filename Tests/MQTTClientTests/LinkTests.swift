import CLinux
import Dialing
import MQTTClient
import Testing

/// The real broker over every kind of link.
@Suite struct LinkTests {
  /// Publishes and receives one message; returns what CONNACK said.
  private func exchange(
    _ configuration: ClientConfiguration, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let text = try await within {
      try await withClient(configuration) { client in
        let messages = try await client.subscribe(to: TopicSubscription("t", qos: .exactlyOnce))
        try await client.publish("hello", to: "t", qos: .exactlyOnce)
        return try await messages.first { _ in true }?.text
      }
    }
    #expect(text == "hello", sourceLocation: sourceLocation)
  }

  @Test func webSocket() async throws {
    // Mosquitto 2.0 does not start without a listener that is none of these.
    let port = try Mosquitto.freePort()
    let broker = try Mosquitto(
      "allow_anonymous true\nlistener \(port) 127.0.0.1\nprotocol websockets")
    try await exchange(configuration("ws://127.0.0.1:\(port)/mqtt", clientID: uniqueName()))
    _ = broker
  }

  @Test func unixSocket() async throws {
    let path = "/tmp/sandpiper-\(getpid())-\(uniqueName()).sock"
    let broker = try Mosquitto("listener 0 \(path)\nallow_anonymous true")
    try await exchange(configuration("unix://\(path)", clientID: uniqueName()))
    _ = broker
    unlink(path)
  }

  @Test func tls() async throws {
    let authority = try Certificates()
    let broker = try Mosquitto(
      """
      allow_anonymous true
      cafile \(authority.file("ca.pem"))
      certfile \(authority.file("server.pem"))
      keyfile \(authority.file("server.key"))
      """)
    let url = "mqtts://localhost:\(broker.port)"
    let trusting = configuration(url, clientID: uniqueName()) {
      $0.tls.authorityFile = authority.file("ca.pem")
    }
    try await exchange(trusting)

    // Whom the system does not know is refused, for that reason.
    let client = try Client(configuration(url, clientID: uniqueName()))
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.connect(timeout: .milliseconds(500))
      }
    }
    guard case .timedOut(.transport(.tls(let fault))?)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect("\(fault)".contains("elfSigned") || "\(fault)".contains("unknownAuthority"))
  }

  /// The certificate ends in ten days, which is told.
  @Test func endOfACertificateIsToldAhead() async throws {
    let authority = try Certificates(days: 10)
    let broker = try Mosquitto(
      """
      allow_anonymous true
      certfile \(authority.file("server.pem"))
      keyfile \(authority.file("server.key"))
      """)
    let client = try Client(
      configuration("mqtts://localhost:\(broker.port)", clientID: uniqueName()) {
        $0.tls.authorityFile = authority.file("ca.pem")
      })
    let events = client.events
    client.start()
    let left = try await event(events) { event -> Duration? in
      if case .certificateEnds(.broker, let left) = event { left } else { nil }
    }
    #expect(left > .seconds(9 * 86_400) && left <= .seconds(10 * 86_400))
  }
}

/// An authority of its own, and a certificate for localhost.
final class Certificates: Sendable {
  private let folder = "/tmp/sandpiper-certificates-\(getpid())-\(uniqueName())"

  init(days: Int = 30) throws {
    try run(["mkdir", "-p", folder])
    try openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Test-CA "
        + "-keyout \(file("ca.key")) -out \(file("ca.pem"))")
    try openssl(
      "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
        + "-addext subjectAltName=DNS:localhost -keyout \(file("server.key")) "
        + "-out \(file("server.csr"))")
    try openssl(
      "x509 -req -in \(file("server.csr")) -CA \(file("ca.pem")) -CAkey \(file("ca.key")) "
        + "-CAcreateserial -days \(days) -copy_extensions copyall -out \(file("server.pem"))")
    // Mosquitto gives up root and reads its files as somebody else.
    try run(["chmod", "-R", "a+rX", folder])
  }

  deinit { try? run(["rm", "-rf", folder]) }

  func file(_ name: String) -> String { "\(folder)/\(name)" }

  private func openssl(_ arguments: String) throws {
    try run(["openssl"] + arguments.split(separator: " ").map(String.init))
  }

  private func run(_ arguments: [String]) throws {
    let silent = ["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"] + arguments
    let child = Mosquitto.spawn("/bin/sh", silent)
    try #require(child > 0)
    var status: Int32 = -1
    while status == -1 {
      status = clinux_reap(child)
      usleep(1_000)
    }
    try #require(status == 0, "\(arguments[0])")
  }
}
