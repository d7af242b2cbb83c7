import CLinux
import Core
import Dialing
import Linux
import WebSocket

/// What `tls`, `transport` and `connect` have said of the way to the broker.
struct TransportSettings {
  enum Kind { case tcp, webSocket, unix }

  var kind = Kind.tcp
  var path: [UInt8] = []
  /// Header lines of the request for a WebSocket, each with its end.
  var headers: [UInt8] = []
  /// The proxy's URL without a password.
  var proxy: [UInt8] = []
  /// A descriptor that the proxy's password can be read from.
  var proxySecretPath: [UInt8] = []
  var host: [UInt8] = Array("localhost".utf8)
  var port: UInt16 = 0
  var tls: TLSSettings?

  struct TLSSettings {
    var authorityFile: [UInt8] = []
    var authorityFolder: [UInt8] = []
    var certificateFile: [UInt8] = []
    var keyFile: [UInt8] = []
    /// A descriptor that the passphrase can be read from, so that it is in no file.
    var passphrasePath: [UInt8] = []
    var alpn: [UInt8] = []
    var isInsecure = false
  }

  enum Fault: Error { case invalid, tls }

  /// Takes a proxy's URL. A password in it goes where the transport reads passwords: into a file.
  mutating func setProxy(_ url: [UInt8]) throws(Fault) {
    proxy = url
    proxySecretPath = []
    guard let slashes = url.firstIndex(of: UInt8(ascii: "/")),
      let at = url.lastIndex(of: UInt8(ascii: "@")), at > slashes + 2,
      let colon = url[(slashes + 2)..<at].firstIndex(of: UInt8(ascii: ":"))
    else { return }
    proxy.removeSubrange(colon..<at)
    guard let secret = Self.unescaped(url[(colon + 1)..<at]), let path = Self.memoryFile(secret)
    else { throw .invalid }
    proxySecretPath = path
  }

  /// The bytes that percent escapes stand for (RFC 3986, section 2.1); nil where they are wrong.
  static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var index = text.startIndex
    while index < text.endIndex {
      if text[index] == UInt8(ascii: "%") {
        guard index + 2 < text.endIndex, let high = DriverLine.hex(text[index + 1]),
          let low = DriverLine.hex(text[index + 2])
        else { return nil }
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(text[index])
        index += 1
      }
    }
    return bytes
  }

  /// The path of a file of these bytes that is in memory only; nil when there is none to be had.
  static func memoryFile(_ bytes: [UInt8]) -> [UInt8]? {
    let descriptor = unsafe bytes.withUnsafeBufferPointer {
      // Sound: the call only reads the bytes.
      unsafe clinux_memory_file($0.baseAddress, $0.count)
    }
    return descriptor < 0 ? nil : Array("/proc/self/fd/\(descriptor)".utf8)
  }

  /// Adds a header line "Name:value", as curl takes it.
  mutating func addHeader(_ line: ArraySlice<UInt8>) throws(Fault) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .invalid }
    let name = Array(line[..<colon])
    let blank = UInt8(ascii: " ")
    let value = Array(line[(colon + 1)...].trimmingPrefix { $0 == blank })
    do throws(RequestFieldFault) {
      try RequestField.check(name: name.span, value: value.span)
    } catch { throw .invalid }
    headers.append(addingCapacity: name.count + value.count + 4) { out in
      RequestField.write(name: name.span, value: value.span, into: &out)
    }
  }

  /// The longest path of a Unix socket, in bytes (unix(7)).
  private static let socketPathMax = 107
  /// The longest name of a host, in bytes.
  private static let hostBytesMax = 253

  private func checkPath() throws(Fault) {
    let isPlain = path.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    switch kind {
    case .tcp: break
    case .unix:
      guard !path.isEmpty, path.count <= Self.socketPathMax, !path.contains(0) else {
        throw .invalid
      }
    case .webSocket:
      guard path.isEmpty || path.first == UInt8(ascii: "/"), isPlain,
        path.count <= ClientHandshake.pathBytesMax
      else { throw .invalid }
    }
  }

  private static func isHost(_ host: [UInt8]) -> Bool {
    !host.isEmpty && host.count <= hostBytesMax
      && host.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
  }

  private var endpointKind: Endpoint.Kind {
    switch kind {
    case .tcp: tls == nil ? .tcp : .tls
    case .webSocket: tls == nil ? .webSocket : .secureWebSocket
    case .unix: .unix
    }
  }

  /// Where the broker is, for people: host and port, or the path of a Unix socket.
  var place: String {
    guard kind != .unix else { return String(decoding: path, as: UTF8.self) }
    let name = String(decoding: host, as: UTF8.self)
    return
      "\(name.contains(":") ? "[\(name)]" : name):\(port == 0 ? endpointKind.defaultPort : port)"
  }

  /// The specification of the way, and the text that its texts are places in.
  func spec(writeBytes: Int) throws(Fault) -> (spec: DialSpec, texts: [UInt8]) {
    var texts: [UInt8] = []
    func place(_ bytes: [UInt8]) -> Text {
      defer { texts.append(contentsOf: bytes) }
      return bytes.isEmpty ? .empty : Text(texts.count..<texts.count + bytes.count)
    }
    try checkPath()
    guard headers.count <= ClientHandshake.fieldBytesMax else { throw .invalid }
    guard Self.isHost(host) else { throw .invalid }
    var spec = DialSpec(
      Endpoint(endpointKind, host: place(host), port: port, path: place(path)))
    spec.writeBytes = writeBytes
    spec.webSocketFields = place(headers)
    if !proxy.isEmpty {
      do throws(URLFault) {
        let url = try ProxyURL(proxy.span)
        // The URL's texts are places in it: it is one of ours as a whole.
        let start = texts.count
        texts.append(contentsOf: proxy)
        var own = url.proxy
        own.host.offset += UInt32(start)
        // The URL's percent escapes are for the URL.
        own.user = place(
          [UInt8](capacity: Proxy.userBytesMax + 1) { out in
            url.writeUser(of: proxy.span, into: &out)
          })
        own.passwordFile = place(proxySecretPath)
        spec.proxy = own
      } catch { throw .invalid }
    }
    if let tls {
      var own = TLSSpec(host: .empty)
      own.authorityFile = place(tls.authorityFile)
      own.authorityFolder = place(tls.authorityFolder)
      own.certificateFile = place(tls.certificateFile)
      own.key = place(tls.keyFile)
      own.passphraseFile = place(tls.passphrasePath)
      own.alpn = place(tls.alpn)
      own.insecure = tls.isInsecure
      spec.tls = own
    }
    return (spec, texts)
  }

  /// Reads the files that TLS is to use as a connection would; the fault that it found.
  func checkTLS() -> TLSFault? {
    guard tls != nil, let (spec, texts) = try? spec(writeBytes: 2048) else { return nil }
    var ends: [Int32] = [0, 0]
    // Sound: the call writes the two numbers.
    guard unsafe ends.withUnsafeMutableBufferPointer({ unsafe clinux_pipe($0.baseAddress) }) == 0
    else {
      return nil
    }
    defer { for end in ends { _ = CLinux.close(end) } }
    var own = spec.tls
    own.host = spec.endpoint.host
    let memory = LabMemory(bytes: texts.count + 64)
    var arena = memory.arena()
    let pool = TextPool(copying: texts.span, arena: &arena)
    do throws(TLSFault) {
      let context = try TLSContext(own, texts: pool)
      _ = try context.open(
        over: ends[0], now: Clock.moment().wall, floor: WallTime(milliseconds: 0))
      return nil
    } catch {
      return error
    }
  }
}

/// Memory of the workbench's that an arena hands out; given back with this object.
@safe final class LabMemory {
  private let block: UnsafeMutableRawBufferPointer

  /// `bytes` of zeroed memory, of which only what is used is taken from the system.
  init(bytes: Int) {
    guard let block = unsafe Memory.map(max(bytes, 1)) else {
      preconditionFailure("the system has no memory left")
    }
    unsafe self.block = block
  }

  deinit { unsafe Memory.unmap(block) }

  /// The arena over all of it, once; its tables must not outlive this object.
  func arena() -> Arena { unsafe Arena(over: block, isZeroed: true) }
}
