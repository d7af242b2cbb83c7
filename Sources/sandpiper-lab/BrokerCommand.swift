import ArgumentParser
import Broker
import Core
import Linux

/// `sandpiper-lab broker`
struct BrokerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker",
    abstract: "Serve MQTT 3.1, 3.1.1 and 5.0 from memory.",
    discussion: """
      For trying things out: everybody may connect, and everything is forgotten at the end. \
      Prints one line once it serves, and ends with 0 at SIGINT and SIGTERM.
      """)

  @Option(help: "The IPv4 or IPv6 address to listen at.")
  var listen = "127.0.0.1"

  @Option(help: "The TCP port to listen at; 0 for any that is free.")
  var port: UInt16 = 1883

  @Flag(help: "Print who comes and goes, and every message.")
  var verbose = false

  func validate() throws {
    guard address != nil else {
      throw ValidationError("--listen takes an address in numbers, such as 127.0.0.1 or ::1")
    }
  }

  private var address: SocketAddress? {
    SocketAddress(numeric: Array(listen.utf8).span, port: port)
  }

  func run() throws {
    guard let address else { return }
    let server = try start(at: address)
    Terminal.print("listening on \(server.address)")
    while true {
      let turn = server.turn(until: .never)
      if verbose { for event in turn.events { Terminal.print(event.text) } }
      guard turn.signals.allSatisfy({ $0 == .hangUp }) else { return }
    }
  }

  private func start(at address: SocketAddress) throws -> BrokerServer {
    do {
      return try BrokerServer(at: address)
    } catch let error as SystemError {
      Terminal.complain("sandpiper-lab: cannot serve at \(listen) port \(port): \(error.text)")
      throw ExitCode.failure
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
    case .disconnected(let client, let reason): "- \(client.text) disconnected: \(reason)"
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
