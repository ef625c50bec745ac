package extract

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// role is what the name of a column or key says that it holds.
type role int

const (
	noRole role = iota
	roleMail
	roleLogin
	roleSecret // a password, clear or hashed
	roleHash   // hashed for certain
	roleNTLM   // hashed as Windows does
	roleSalt
	roleHost

	anyRole role = -1
)

// columnNames are names of columns in dumps of all countries, by their letters and digits in lower case. Names without
// their accents are listed beside them, since tables drop them, and exports damage them.
var columnNames = map[role][]string{
	roleMail: {
		"email", "mail", "emailaddress", "mailaddress", "emailid", "emailaddr", "mailaddr", "emails", "primaryemail", "workemail", "contactemail", "emailadd", "eml",
		"emailadresse", "mailadresse", "emailadres", "epost", "epostadress", "epostadresse", "sahkoposti", "sähköposti",
		"correo", "correoelectronico", "correoelectrónico", "correoelectrnico", "direccioncorreo", "courriel", "adresseemail", "adressemail", "adresseelectronique",
		"postaelettronica", "indirizzoemail", "enderecoemail", "adresemail", "adresaemail", "eposta", "correuelectronic",
		"почта", "электроннаяпочта", "адресэлектроннойпочты", "邮箱", "郵箱", "电子邮件", "電子郵件", "メール", "メールアドレス", "이메일",
	},
	roleLogin: {
		"login", "username", "user", "userlogin", "loginname", "account", "accountname", "loginusername", "loginid", "uname", "usr", "usrname", "nick", "nickname",
		"screenname", "samaccountname", "userprincipalname", "upn", "logon", "logonname", "signin", "userlogon", "webuser", "handle",
		"benutzername", "benutzer", "anmeldename", "nutzername", "kennung", "benutzerkennung",
		"usuario", "nombreusuario", "nombredeusuario", "utilisateur", "nomutilisateur", "nomdutilisateur", "identifiant", "utente", "nomeutente", "nomeusuario", "nomedeusuario",
		"utilizador", "gebruiker", "gebruikersnaam", "anvandarnamn", "användarnamn", "brukernavn", "brugernavn", "kayttajatunnus", "käyttäjätunnus", "uzytkownik", "użytkownik",
		"nazwauzytkownika", "nazwaużytkownika", "uzivatel", "uživatel", "felhasznalonev", "felhasználónév", "utilizator", "kullaniciadi", "kullanıcıadı", "korisnik", "korisnickoime",
		"логин", "пользователь", "имяпользователя", "用户名", "用戶名", "账号", "帳號", "ユーザー名", "아이디",
	},
	roleSecret: {
		"password", "pass", "pwd", "passwd", "pw", "psw", "pswd", "passw", "passwrd", "pword", "passcode", "passphrase", "userpass", "userpassword", "userpwd", "userpasswd",
		"loginpassword", "passwordplain", "plainpassword", "plaintextpassword", "cleartextpassword", "passwordclear", "passwordtext", "clearpassword", "webpassword", "accountpassword",
		"passwort", "kennwort", "zugangspasswort", "losungswort", "contrasena", "contraseña", "contrasea", "clave", "claveacceso", "motdepasse", "mdp", "motpasse", "mdpasse",
		"senha", "palavrapasse", "palavrachave", "parola", "paroladordine", "parolachiave", "wachtwoord", "losenord", "lösenord", "passord", "adgangskode", "kodeord", "salasana",
		"haslo", "hasło", "heslo", "jelszo", "jelszó", "sifre", "şifre", "lozinka", "geslo", "contrasenya", "parool", "slaptazodis", "slaptažodis", "katasandi", "matkhau", "mậtkhẩu",
		"пароль", "парола", "лозинка", "κωδικός", "κωδικοσ", "סיסמה", "密码", "密碼", "口令", "パスワード", "비밀번호", "كلمةالمرور",
	},
	roleHash: {
		"hash", "passwordhash", "passhash", "pwdhash", "passwdhash", "hashedpassword", "hashedpass", "hashedpwd", "encryptedpassword", "encryptedpass", "cryptedpassword", "cryptpassword",
		"passwordencrypted", "passwordencrypt", "passwordcrypt", "passwordmd5", "md5password", "passmd5", "md5pass", "pwdmd5", "md5pwd", "passwordsha1", "sha1password", "passwordsha256",
		"sha256password", "passwordsha512", "passwordbcrypt", "bcryptpassword", "passworddigest", "pwhash", "pwdigest", "pwdencrypt", "hashpassword", "hashpass", "passwordhashed",
		"passworthash", "kennworthash", "contrasenahash", "senhahash", "senhamd5", "hashsenha", "motdepassehash", "mdphash", "hashmdp",
	},
	roleNTLM: {
		"nthash", "ntlm", "ntlmhash", "ntpassword", "ntpwd", "ntpasswordhash", "sambantpassword", "unicodepwd", "passwordnt", "passwordntlm", "pwdnt",
	},
	roleSalt: {
		"salt", "passwordsalt", "passsalt", "pwdsalt", "passwdsalt", "hashsalt", "saltpassword", "saltpass", "saltvalue", "saltkey", "passwordsalz", "salz", "pwsalt", "randomsalt",
	},
	roleHost: {"url", "uri", "loginuri", "loginurl", "originurl", "signonrealm", "hostname"},
}

// roles are these names, each with its role.
var roles = func() map[string]role {
	all := map[string]role{}
	for is, names := range columnNames {
		for _, name := range names {
			all[name] = is
		}
	}
	return all
}()

// owners stand in front of a column's own name, as in user_email or customers_password.
var owners = [][]byte{
	[]byte("user"), []byte("users"), []byte("usr"), []byte("member"), []byte("members"), []byte("customer"), []byte("customers"), []byte("client"), []byte("account"), []byte("admin"),
	[]byte("employee"), []byte("staff"), []byte("patient"), []byte("doctor"), []byte("contact"), []byte("kunde"), []byte("kunden"), []byte("mitarbeiter"), []byte("benutzer"),
	[]byte("usuario"), []byte("cliente"), []byte("utilisateur"), []byte("auth"), []byte("login"), []byte("student"), []byte("person"), []byte("owner"), []byte("u"), []byte("str"), []byte("txt"),
}

// maxColumnName bounds a name that may be known.
const maxColumnName = 48

func roleOf(name []byte) role {
	var letters [maxColumnName]byte
	n := 0
	for _, c := range name {
		switch {
		case c >= utf8.RuneSelf:
			return foreignRole(name)
		case !isLetter(c) && !isDigit(c):
			continue
		case n == len(letters):
			return noRole
		case isLetter(c):
			c |= 0x20
		}
		letters[n] = c
		n++
	}
	return roleOfLetters(letters[:n])
}

// foreignRole is the role of a name with other letters than those of ASCII. Bytes that are no text are left out.
func foreignRole(name []byte) role {
	var letters []byte
	for _, c := range string(name[:min(len(name), 4*maxColumnName)]) {
		if c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsDigit(c)) {
			letters = utf8.AppendRune(letters, unicode.ToLower(c))
		}
	}
	return roleOfLetters(letters)
}

func roleOfLetters(letters []byte) role {
	if is, ok := roles[string(letters)]; ok {
		return is
	}
	for _, owner := range owners {
		if rest, ok := bytes.CutPrefix(letters, owner); ok {
			if is := roles[string(rest)]; is == roleMail || is == roleSecret || is == roleHash || is == roleSalt || is == roleLogin && len(rest) > 4 {
				return is
			}
		}
	}
	return noRole
}
