package extract

import (
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// label is what a line of a stealer log's block says. Families come and go and share files; labels stay.
type label int

const (
	noLabel label = iota
	labelSoftware
	labelHost
	labelLogin
	labelPassword
	labelProfile
	labelFact   // of the machine
	labelOther  // not known, and no part of a password
	labelSeller // advertisement: read past

	notLooked label = -1
)

// labelName is what a label means.
type labelName struct {
	label label
	soft  bool   // also heads what is no record
	fact  string // under which the value is kept
}

// what lines mean that begin with no label of the table
var (
	unlabelled   = &labelName{label: noLabel}
	unknownLabel = &labelName{label: labelOther}
	bannerLine   = &labelName{label: labelSeller}
	browserLine  = &labelName{label: labelSoftware, fact: headerFact}
)

// headerFact is the fact of a line ["Browser" = "Profile"]: two in one.
const headerFact = "header"

// maxLabel bounds a label, in bytes, with its colon.
const maxLabel = 40

// labels are in lower case, as the families write them and the tools that lists are made with, in several languages.
var labels = labelTable()

func labelTable() map[string]*labelName {
	table := map[string]*labelName{}
	for _, group := range []struct {
		name  labelName
		words string // separated by commas
	}{
		{labelName{label: labelSoftware, fact: risk.FactSoftware}, "soft,software,browser,browser name,application,app,storage,program,браузер,приложение,navegador,navigateur,anwendung"},
		{labelName{label: labelHost}, "host,hostname,url,ur1,网址,host name,origin url,action url,login url,domain,server,хост,ссылка,сайт,адрес"},
		{labelName{label: labelHost, soft: true}, "website,web site,site,link,web,origin,target,service,portal,sitio,site web,網址,网址,webseite"},
		{labelName{label: labelLogin}, "user login,login,username,user,u53rn4m3,user name,login name,userlogin,user_login,usr,логин,имя пользователя,usuario,usuário,benutzername,benutzer,identifiant,utilisateur,nom d'utilisateur,nome utente,utente,użytkownik,kullanıcı adı,tài khoản,用户名"},
		{labelName{label: labelLogin, soft: true}, "email,e-mail,mail,account,email address,correo,почта,账号"},
		{labelName{label: labelPassword}, "user password,password,pass,p455w0rd,passwd,pwd,pw,passw,user pass,userpassword,user_password,login password,пароль,contraseña,contrasena,clave,senha,passwort,kennwort,mot de passe,hasło,şifre,parola,mật khẩu,密码"},
		{labelName{label: labelProfile, fact: risk.FactProfile}, "profile,browser profile,user profile,профиль,profil,perfil"},
		{labelName{label: labelSeller}, "seller,log tools,free logs,telegram,channel,our channel,buy logs,support"},
		{labelName{label: labelFact, fact: risk.FactHWID}, "hwid,machineid,machine id"},
		{labelName{label: labelFact, fact: risk.FactMachine}, "machinename,computer name,pc name,computername"},
		{labelName{label: labelFact, fact: risk.FactIP}, "ip,ip address"},
		{labelName{label: labelFact, fact: risk.FactCountry}, "country"},
		{labelName{label: labelFact, fact: risk.FactOS}, "operation system,os,windows"},
		{labelName{label: labelFact, fact: risk.FactInfected}, "log date,local time"},
		{labelName{label: labelFact, fact: risk.FactMalware}, "build id,lid"},
	} {
		for word := range strings.SplitSeq(group.words, ",") {
			table[word] = &group.name
		}
	}
	return table
}

// labelOf looks a label up in lower case, without blanks around it.
func labelOf(b []byte) (name *labelName, ok bool) {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if len(b) < 2 || len(b) > maxLabel {
		return unlabelled, false
	}
	var lower [maxLabel]byte
	for i, c := range b {
		if c >= utf8.RuneSelf {
			name, ok = labels[strings.ToLower(string(b))]
			return name, ok
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	name, ok = labels[string(lower[:len(b)])]
	return name, ok
}
