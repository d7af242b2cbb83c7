import ArgumentParser
import Broker
import Core
import Linux

/// `sandpiper-lab broker`
struct BrokerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker",
    abstract: "Serve MQTT 3.1, 3.1.1 and 5.0 from memory, over TCP and WebSocket.",
    discussion: """
      For trying things out: everybody may connect, and everything is forgotten at the end. \
      Prints a line for each port once it serves, and ends with 0 at SIGINT and SIGTERM.
      """)

  @Option(
    help: ArgumentHelp("The IPv4 or IPv6 address to listen at.", valueName: "address"))
  var bind = "127.0.0.1"

  @Option(name: .shortAndLong, help: "The TCP port to listen at; 0 for any that is free.")
  var port: UInt16 = 1883

  @Option(
    help: ArgumentHelp(
      "A port for MQTT over WebSocket as well, at any path; 0 for any that is free.",
      valueName: "port"))
  var wsPort: UInt16?

  @Flag(name: .shortAndLong, help: "Print who comes and goes, and every message.")
  var verbose = false

  func validate() throws {
    guard address(port) != nil else {
      throw ValidationError("--bind takes an address in numbers, such as 127.0.0.1 or ::1")
    }
    guard port == 0 || wsPort != port else {
      throw ValidationError("--port and --ws-port are two different ports")
    }
  }

  private func address(_ port: UInt16) -> SocketAddress? {
    SocketAddress(numeric: Array(bind.utf8).span, port: port)
  }

  func run() throws {
    guard let address = address(port) else { return }
    let server = try start(at: address, webSocketsAt: wsPort.flatMap { self.address($0) })
    Terminal.print("listening on \(server.address)")
    if let address = server.webSocketAddress { Terminal.print("WebSocket on \(address)") }
    while true {
      let turn = server.turn(until: .never)
      if verbose { for event in turn.events { Terminal.print(event.text) } }
      guard turn.signals.allSatisfy({ $0 == .hangUp }) else { return server.shutDown() }
    }
  }

  private func start(
    at address: SocketAddress, webSocketsAt webSocketAddress: SocketAddress?
  ) throws -> BrokerServer {
    do {
      return try BrokerServer(at: address, webSocketsAt: webSocketAddress)
    } catch let fault as BrokerServer.Unserved {
      throw Terminal.failure("cannot serve at \(bind) port \(fault.port): \(fault.error.text)")
    }
  }
}

extension Parting {
  /// Why, in a few words.
  fileprivate var text: String {
    switch self {
    case .byClient: "took its leave"
    case .byClientWithWill(let reason): "took its leave and wants its will (\(reason))"
    case .transportClosed: "the transport was closed"
    case .keepAlive: "silent for too long"
    case .takenOver: "another connection has its name"
    case .malformed(let error): "sent what is not MQTT (\(error))"
    case .protocolViolation: "sent what has no place there"
    case .violated(let reason): "did what it may not (\(reason))"
    case .overLimit: "takes too little of what it asks for"
    case .byOwner(let reason): "by the broker's owner (\(reason))"
    }
  }
}

extension BrokerEvent {
  /// The event as a line.
  var text: String {
    switch self {
    case .connected(let client, let level, let cleanSession, let keepAlive):
      "+ \(client.text) connected: \(level.text), \(cleanSession ? "clean" : "persistent") session,"
        + " keep-alive \(keepAlive) s"
    case .refused(let client, let code): "- \(client.text) refused: \(code)"
    case .disconnected(let client, let reason): "- \(client.text) disconnected: \(reason.text)"
    case .sessionEnded(let client): "- \(client.text): the session has ended"
    case .subscribed(let client, let filter, let qos):
      "  \(client.text) subscribes to \(filter.text) at QoS \(qos.rawValue)"
    case .published(let client, let message, let isWill):
      "  \(client.text) \(isWill ? "leaves a will" : "publishes") at QoS \(message.qos.rawValue)"
        + "\(message.retain ? ", retained" : ""): \(message.topic.text) \(message.payload.text)"
    case .dropped(let client, let message):
      "  \(client.text) cannot take what waits; dropped: \(message.topic.text)"
    case .expired(let client, let message):
      "  too late for \(client.text); expired: \(message.topic.text)"
    case .notRetained(let client, let message):
      "  too many topics; not retained for \(client.text): \(message.topic.text)"
    }
  }
}
