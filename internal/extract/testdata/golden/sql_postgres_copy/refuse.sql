--
-- PostgreSQL database dump
--
COPY public.patients (id, email, name, ssn) FROM stdin;
1	jdoe@lab.example	John Doe	078-05-1120
2	roe@lab.example	Jane Roe	5f4dcc3b5aa765d61d8327deb882cf99
\.
COPY public.accounts (id, email, password) FROM stdin;
1	jdoe@notlab.example	secret1
2	jdoe@lab.example	\N
3	jdoe@lab.example	
\.

COPY public.notes (id, body, password) FROM stdin;
1	mail jdoe@lab.example today	secret1
\.
