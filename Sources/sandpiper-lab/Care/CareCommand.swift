import ArgumentParser
import CLinux
import Core
import Linux

/// `sandpiper-lab care`
struct CareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "care",
    abstract: "Care for a device over MQTT, where its profile allows that.",
    subcommands: [CareKeygenCommand.self, CareSendCommand.self])
}

/// `sandpiper-lab care keygen`
struct CareKeygenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen",
    abstract: "Make a key, and print its public half for \"keys\" in profiles.",
    discussion: """
      Where the file is there already, its public half is printed. It is a PEM without a passphrase, as \
      openssl genpkey -algorithm ed25519 makes it, too. Whoever has it can ask the devices for all that \
      their profiles allow.
      """)

  @Argument(help: "Where the key is, or is to be.")
  var file: String

  func run() throws {
    let signer = KeyFile.exists(file) ? try SigningKey.read(file) : try SigningKey.make(file)
    Terminal.print(signer.key.withBytes { [UInt8](base64: $0) }.text)
  }
}

private enum KeyFile {
  static func exists(_ path: String) -> Bool {
    let descriptor = unsafe path.withCString { path in
      // Sound: the path ends with a NUL and lives through the call.
      unsafe clinux_open_read(path, true)
    }
    guard descriptor >= 0 else { return clinux_errno() != ENOENT }
    close(descriptor)
    return true
  }
}

/// Keys in files.
enum SigningKey {
  /// The key in a file.
  static func read(_ path: String) throws -> Signer {
    let name = Array(path.utf8)
    var error: SystemError?
    let pem = [UInt8](capacity: 4_096) { out in
      do throws(SystemError) { try File.read(name.span, into: &out) } catch let fault {
        error = fault
      }
    }
    if let error { throw Terminal.failure("\(path): \(error.text)") }
    if let survey = try? FileSurvey(name.span), survey.mode & 0o077 != 0 {
      Terminal.complain(
        "sandpiper-lab: \(path): others than its owner can read this key: chmod 600")
    }
    try needLibrary()
    guard let signer = Signer(pem: pem.span) else {
      throw Terminal.failure(
        "\(path): not a private key of Ed25519 in PEM without a passphrase; sandpiper-lab care keygen "
          + "makes one")
    }
    return signer
  }

  /// A new key, in a file that only its owner can read.
  static func make(_ path: String) throws -> Signer {
    try needLibrary()
    guard let signer = Signer() else { throw Terminal.failure("OpenSSL makes no key") }
    let (name, pem) = (Array(path.utf8), signer.pem)
    do throws(SystemError) {
      try pem.withBytes { (pem) throws(SystemError) in
        try File.write(atomically: pem, to: name.span, mode: 0o600)
      }
    } catch {
      throw Terminal.failure("\(path): \(error.text)")
    }
    return signer
  }

  private static func needLibrary() throws {
    guard !TLSLibrary.load() else { return }
    let why = [UInt8](capacity: 256) { out in TLSLibrary.problem(into: &out) }
    throw Terminal.failure("signatures need OpenSSL 3: \(why.text)")
  }
}

extension [UInt8] {
  /// Bytes in base64.
  init(base64 bytes: Span<UInt8>) {
    let source = [UInt8](copying: bytes)
    self = [UInt8](capacity: (source.count + 2) / 3 * 4) { out in out.append(base64: source.span) }
  }
}
