import ArgumentParser
import CLinux
import Core
import JSON
import Linux
import MQTT

/// `sandpiper-lab care send`
struct CareSendCommand: ParsableCommand {
  enum Task: String, ExpressibleByArgument, CaseIterable { case status, log, restart, profile }

  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Sign a request, send it to a device, and print its answers.",
    discussion: """
      status: how the device is. log LEVEL: what its log writes, for a time. restart: it stops in order and \
      begins anew. profile FILE: it tries another profile, and keeps it once it is online with it; else it \
      goes back to the one before.
      The exit status is 0 once it is done, 1 when it was refused, rolled back or could not be sent, 3 when \
      no answer has come in time.
      """,
    helpNames: [.customLong("help")])

  @OptionGroup var connection: ConnectionArguments

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The key to sign with: see sandpiper-lab care keygen. (--key is TLS's.)", valueName: "file"))
  var signingKey: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Its device.id.", valueName: "id"))
  var device: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Its device.base.", valueName: "topic"))
  var base = "sandpiper"

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("With log: how long, up to 24h. [1h]", valueName: "duration"))
  var length: String?

  @Option(
    help: ArgumentHelp(
      "With profile: how soon the device must be online, 10s to 1h. [5m]", valueName: "duration"))
  var within: String?

  @Option(
    help: ArgumentHelp(
      "The device refuses it once it is older, and where it does not know the time. [10m]",
      valueName: "duration"))
  var expires: String?

  @Flag(
    help:
      "It never expires: for a board without a clock, which then has to have been cared for before."
  )
  var noExpiry = false

  @Option(
    help: ArgumentHelp(
      "Greater than in all requests before. [the time in milliseconds]", valueName: "n"))
  var number: UInt64?

  @Option(
    help: ArgumentHelp(
      "How long to wait for the answer. [as long as it may take]",
      valueName: "duration"))
  var timeout: String?

  @Flag(help: "Print the message instead of sending it.")
  var print = false

  @Argument(help: "status, log, restart or profile.")
  var task: Task

  @Argument(help: "The level of the log, or the profile's file.")
  var value: String?

  func run() throws {
    let number = number ?? UInt64(clamping: Clock.moment().wall.milliseconds)
    let body = try body(number)
    let signer = try SigningKey.read(signingKey)
    let signed = Array("sandpiper-care-v1\n\(base)/\(device)\n".utf8) + body
    guard let signature = signer.sign(signed.span) else {
      throw Terminal.failure("OpenSSL does not sign")
    }
    let message = signature.withBytes { [UInt8](base64: $0) } + Array("\n".utf8) + body
    guard !print else { return Terminal.show(String(decoding: message, as: UTF8.self)) }
    let topic = Array("\(base)/\(device)/care".utf8)
    guard TopicName.isValid(topic.span) else {
      throw ValidationError("--base, --device: no part of a topic")
    }
    var meaning = try connection.meaning("care")
    // 5.0 says when the broker does not take a request.
    if connection.version == nil { meaning.settings.level = .v50 }
    let sender = try CareSender(
      meaning, topic: topic, message, number: number,
      patience: try patience(), isQuiet: connection.quiet)
    let status = sender.run()
    if status != 0 { throw ExitCode(status) }
  }

  private func body(_ number: UInt64) throws -> [UInt8] {
    guard (task == .log || task == .profile) == (value != nil) else {
      throw ValidationError(
        task == .log
          ? "log wants a level" : task == .profile ? "profile wants a file" : "\(value ?? "")?")
    }
    guard length == nil || task == .log else { throw ValidationError("--for goes with log") }
    guard within == nil || task == .profile else {
      throw ValidationError("--within goes with profile")
    }
    var text = "{\"n\":\(number),\"do\":\"\(task.rawValue)\""
    guard expires == nil || !noExpiry else {
      throw ValidationError("--expires and --no-expiry exclude each other")
    }
    if !noExpiry {
      let length = try Self.interval(expires ?? "10m", "--expires")
      let end = WallTime(milliseconds: Clock.moment().wall.milliseconds + length.milliseconds)
      let time = [UInt8](capacity: 24) { out in out.append(timestamp: end) }
      text += ",\"expires\":\"\(String(decoding: time, as: UTF8.self))\""
    }
    switch task {
    case .status, .restart: break
    case .log:
      let level = value ?? ""
      guard ["error", "warning", "notice", "info", "debug"].contains(level) else {
        throw ValidationError("the log's level is error, warning, notice, info or debug")
      }
      text += ",\"level\":\"\(level)\""
      if let length {
        _ = try Self.interval(length, "--for")
        text += ",\"for\":\"\(length)\""
      }
    case .profile:
      if let within {
        _ = try Self.interval(within, "--within")
        text += ",\"within\":\"\(within)\""
      }
      // As it is, so that lines and columns in the answer are those of the file.
      return Array((text + ",\"profile\":").utf8) + (try profile()) + Array("}".utf8)
    }
    return Array((text + "}").utf8)
  }

  private func profile() throws -> [UInt8] {
    let path = Array((value ?? "").utf8)
    var error: SystemError?
    let bytes = [UInt8](capacity: 1 << 20) { out in
      do throws(SystemError) { try File.read(path.span, into: &out) } catch let fault {
        error = fault
      }
    }
    if let error { throw Terminal.failure("\(value ?? ""): \(error.text)") }
    // Else the device could only say that the request is malformed.
    var reader = JSONReader()
    do throws(JSONError) {
      guard case .beginObject? = try reader.next(in: bytes.span) else {
        throw JSONError(.unexpectedCharacter, at: 0)
      }
      while try reader.next(in: bytes.span) != nil {}
    } catch {
      throw Terminal.failure("\(value ?? ""): not a JSON object; sandpiper check says where")
    }
    return bytes
  }

  private func patience() throws -> Interval {
    if let timeout { return try Self.interval(timeout, "--timeout") }
    switch task {
    case .status, .log: return .seconds(30)
    case .restart: return .seconds(180)
    case .profile:
      return try within.map { try Self.interval($0, "--within") + .seconds(180) } ?? .seconds(480)
    }
  }

  private static func interval(_ text: String, _ option: String) throws -> Interval {
    let bytes = Array(text.utf8)
    guard let interval = Interval(parsing: bytes.span), interval > .zero else {
      throw ValidationError("\(option): expected a duration such as 5m")
    }
    return interval
  }
}
